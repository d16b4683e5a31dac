//! Rows as the register takes them, from the cells of each layout.

use domain::subject::Sex;
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, IndividualNumber, MunicipalityCode, PersonalText};
use time::Date;

use crate::cells::Cells;
use crate::layout::{BATCH_1, DOSES_1, DOSES_LEDGER, Layout, SUBJECTS_1, VOUCHERS_1};
use crate::problem::Reason;

/// One usable line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Subject(SubjectRow),
    Voucher(VoucherRow),
    /// One, or in the ledger's layout up to two.
    Doses(Vec<DoseRow>),
    Batch(BatchRow),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRow {
    pub individual_number: IndividualNumber,
    pub address_number: AddressNumber,
    pub name: PersonalText,
    pub name_kana: PersonalText,
    pub birth_date: Date,
    pub sex: Sex,
    pub moved_out_on: Option<Date>,
    pub died_on: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherRow {
    pub address_number: AddressNumber,
    pub voucher_number: VoucherNumber,
    pub dose_number: u16,
    pub issued_on: Date,
}

#[derive(Clone, PartialEq, Eq)]
pub struct DoseRow {
    pub address_number: AddressNumber,
    pub dose_number: u16,
    pub date: Date,
    pub maker: String,
    pub lot: String,
    pub product: Option<String>,
    pub voucher: Option<(MunicipalityCode, VoucherNumber)>,
    pub venue: Option<String>,
}

/// A dose says something about one person, so it is not printed.
impl std::fmt::Debug for DoseRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DoseRow(redacted)")
    }
}

/// One person of a batch inquiry, and whom to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    pub individual_number: IndividualNumber,
    /// The municipality the person moved away from.
    pub provider: MunicipalityCode,
    pub address_number: Option<AddressNumber>,
    /// 整理番号: by what the submitter finds the row again.
    pub reference: Option<PersonalText>,
}

/// For whom and when a file is read.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Rows of any other municipality are refused; `None` accepts the first one met.
    pub municipality: Option<MunicipalityCode>,
    /// Nothing has happened after this day.
    pub today: Date,
}

impl Reading {
    /// Reads one line; `None` if something is wrong with it, which the cells have noted.
    pub fn row(&mut self, layout: &'static Layout, cells: &mut Cells<'_>) -> Option<Row> {
        match layout.name {
            name if name == SUBJECTS_1.name => self.subject(cells).map(Row::Subject),
            name if name == VOUCHERS_1.name => self.voucher(cells).map(Row::Voucher),
            name if name == DOSES_1.name => self.dose(cells).map(|dose| Row::Doses(vec![dose])),
            name if name == DOSES_LEDGER.name => self.ledger(cells).map(Row::Doses),
            name if name == BATCH_1.name => batch(cells).map(Row::Batch),
            _ => None,
        }
    }

    /// Whose doses a line is about, and which, even if it can't be used.
    pub fn named_doses(
        &self,
        layout: &'static Layout,
        cells: &mut Cells<'_>,
    ) -> Option<(AddressNumber, Vec<u16>)> {
        cells.quietly(|cells| match layout.name {
            name if name == DOSES_1.name => {
                Some((cells.address_number("宛名番号")?, vec![cells.dose_number("回数")?]))
            }
            name if name == DOSES_LEDGER.name => {
                let given = |n: &u16| cells.text(&format!("{n}回目接種日")).is_some();
                let doses = [1, 2].into_iter().filter(given).collect();
                Some((cells.address_number("個別宛名番号")?, doses))
            }
            _ => None,
        })
    }

    fn subject(&self, cells: &mut Cells<'_>) -> Option<SubjectRow> {
        let individual_number = cells.individual_number("個人番号");
        let address_number = cells.address_number("宛名番号");
        let name = cells.name("氏名");
        let name_kana = cells.kana("氏名カナ");
        let birth_date = cells.past_date("生年月日", self.today);
        let sex = cells.sex("性別");
        let moved_out_on = cells.past_date("転出日", self.today);
        let died_on = cells.past_date("死亡日", self.today);
        for (column, date) in [("転出日", moved_out_on), ("死亡日", died_on)] {
            if date.zip(birth_date).is_some_and(|(date, birth_date)| date < birth_date) {
                cells.note(column, Reason::ImpossibleDate);
            }
        }
        Some(SubjectRow {
            individual_number: individual_number?,
            address_number: address_number?,
            name: name?,
            name_kana: name_kana?,
            birth_date: birth_date?,
            sex: sex?,
            moved_out_on,
            died_on,
        })
    }

    fn voucher(&mut self, cells: &mut Cells<'_>) -> Option<VoucherRow> {
        let address_number = cells.address_number("宛名番号");
        let municipality = cells.municipality("市区町村コード");
        let is_own = municipality.map(|code| self.is_own(cells, code));
        let voucher_number = cells.voucher_number("接種券番号");
        let dose_number = cells.dose_number("回数");
        let issued_on = cells.past_date("発行日", self.today);
        is_own.filter(|own| *own)?;
        Some(VoucherRow {
            address_number: address_number?,
            voucher_number: voucher_number?,
            dose_number: dose_number?,
            issued_on: issued_on?,
        })
    }

    fn is_own(&mut self, cells: &mut Cells<'_>, code: MunicipalityCode) -> bool {
        let own = *self.municipality.get_or_insert(code);
        if own != code {
            cells.note("市区町村コード", Reason::OtherMunicipality);
        }
        own == code
    }

    fn dose(&self, cells: &mut Cells<'_>) -> Option<DoseRow> {
        let address_number = cells.address_number("宛名番号");
        let dose_number = cells.dose_number("回数");
        let date = cells.past_date("接種日", self.today);
        let (maker, lot) = (cells.text("メーカー"), cells.text("ロット番号"));
        let product = cells.text("製品名");
        let municipality = cells.municipality("市区町村コード");
        let number = cells.voucher_number("接種券番号");
        if municipality.is_none() && number.is_some() {
            cells.note("市区町村コード", Reason::Missing);
        }
        let venue = cells.text("接種会場名");
        Some(DoseRow {
            address_number: address_number?,
            dose_number: dose_number?,
            date: date?,
            maker: maker?,
            lot: lot?,
            product,
            voucher: municipality.zip(number),
            venue,
        })
    }

    fn ledger(&self, cells: &mut Cells<'_>) -> Option<Vec<DoseRow>> {
        let address_number = cells.address_number("個別宛名番号")?;
        let mut doses = Vec::new();
        for dose_number in [1, 2] {
            let column = |name: &str| format!("{dose_number}回目{name}");
            let Some(date) = cells.past_date(&column("接種日"), self.today) else { continue };
            let (maker_column, lot_column) = (column("ワクチンメーカー"), column("ロット番号"));
            let (maker, lot) = (cells.text(&maker_column), cells.text(&lot_column));
            for (missing, name) in [(maker.is_none(), maker_column), (lot.is_none(), lot_column)] {
                if missing {
                    cells.note(&name, Reason::Missing);
                }
            }
            let municipality = cells.municipality(&column("接種自治体コード"));
            let number = cells.voucher_number(&column("券番号"));
            doses.push(DoseRow {
                address_number: address_number.clone(),
                dose_number,
                date,
                maker: maker?,
                lot: lot?,
                product: None,
                voucher: municipality.zip(number),
                venue: cells.text(&column("接種会場名")),
            });
        }
        Some(doses)
    }
}

fn batch(cells: &mut Cells<'_>) -> Option<BatchRow> {
    let individual_number = cells.individual_number("個人番号");
    let provider = cells.municipality("転出元市区町村コード");
    let address_number = cells.address_number("宛名番号");
    let reference = cells.text("整理番号");
    Some(BatchRow {
        individual_number: individual_number?,
        provider: provider?,
        address_number,
        reference: reference.and_then(|text| PersonalText::parse(&text).ok()),
    })
}
