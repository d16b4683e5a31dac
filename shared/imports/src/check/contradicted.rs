//! Rows of one file that say different things of one dose: where the vouchers tell which of them is
//! right, that one counts and the others wait; where they don't, all come back.

use interchange::{DoseRow, Problem, Reason};
use quality::{VoucherState, voucher_doubt};

use super::known::Known;
use super::{CHUNK_ROWS, Context, Numbered, Stop, doses};

const ADDRESS: &str = "宛名番号";

type Dose = Numbered<DoseRow>;

pub(super) fn decide(context: &mut Context<'_>, mut rows: Vec<Dose>) -> Result<(), Stop> {
    let key = |(_, row): &Dose| {
        (*context.job.keys.address_index(&row.address_number).as_bytes(), row.dose_number)
    };
    rows.sort_by_cached_key(key);
    let mut chunk = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(row) = rows.next() {
        let is_last = rows.peek().is_none_or(|next| !are_same(&row, next));
        chunk.push(row);
        // Rows about one dose stay together.
        if is_last && chunk.len() >= CHUNK_ROWS {
            together(context, std::mem::take(&mut chunk))?;
        }
    }
    together(context, chunk)
}

/// Whether two rows are about one dose.
fn are_same((_, one): &Dose, (_, other): &Dose) -> bool {
    one.dose_number == other.dose_number && one.address_number == other.address_number
}

fn together(context: &mut Context<'_>, rows: Vec<Dose>) -> Result<(), Stop> {
    if rows.is_empty() || context.sheet.is_spoiled() {
        return Ok(());
    }
    let known = Known::look_up(context.job, &rows)?;
    let mut told = Vec::new();
    let mut place = 0;
    for group in rows.chunk_by(are_same) {
        let vouchers = known.rows.iter().skip(place).take(group.len()).map(|row| &row.voucher);
        place += group.len();
        let is_told = group.len() > 1 && tell(group, vouchers.collect());
        for (line, row) in group {
            if is_told {
                told.push((*line, row.clone()));
            } else {
                let (column, reason) = (Some(ADDRESS), Reason::Conflict);
                context.sheet.refuse_row(&[Problem { line: *line, column, reason }]);
            }
        }
    }
    doses::decide(context, told)?;
    context.keep(context.job.file.total_bytes)
}

/// Whether one row has the person's voucher for this dose, and no other has any such.
fn tell(group: &[Dose], vouchers: Vec<&VoucherState>) -> bool {
    let doubt = |((_, row), voucher): (&Dose, &&VoucherState)| {
        let is_given = !matches!(voucher, VoucherState::NotGiven);
        is_given.then(|| voucher_doubt(voucher, row.dose_number).is_some())
    };
    let doubts: Option<Vec<bool>> = group.iter().zip(&vouchers).map(doubt).collect();
    doubts.is_some_and(|doubts| doubts.iter().filter(|is_doubtful| !**is_doubtful).count() == 1)
}
