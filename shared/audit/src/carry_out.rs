//! Finds the slip that an order's owner is to carry out.

use wire::provision_log::{Act, LeafBody};

use crate::findings::Finding;
use crate::order::{OpenedOrder, Order, OrderError};
use crate::orders::{Slip, Unlawful};
use crate::receipt::Proven;
use crate::source::Source;
use crate::stored::{Stored, StoredError};
use crate::survey::{Survey, SurveyError};
use crate::verify::{Evidence, Extent, Trust, verify};

/// Why an order is not to be carried out.
#[derive(Debug, thiserror::Error)]
pub enum NoSlip {
    #[error("the order: {0}")]
    Order(#[from] OrderError),
    #[error("the log: {0}")]
    Stored(#[from] StoredError),
    #[error("the log: {0}")]
    Survey(#[from] SurveyError),
    #[error("the log is not sound: {0}")]
    Unsound(Finding),
    #[error("the order is no destruction, or does not stand in the log")]
    NotInTheLog,
    #[error("the order is not lawful: {0}")]
    Unlawful(Unlawful),
}

impl NoSlip {
    /// What to do now.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Order(_) | Self::NotInTheLog => {
                "sign the order and send it to the log first: watari log sign, watari log submit"
            }
            Self::Stored(_) | Self::Survey(_) | Self::Unsound(_) => {
                "`watari log verify` says what is wrong; nothing is destroyed before that is clear"
            }
            Self::Unlawful(_) => "draft a new order: watari log plan",
        }
    }
}

/// The lawful slip of this order, as it stands in the sound log, proven under the newest checkpoint.
pub fn slip_to_carry_out(
    source: &mut dyn Source,
    order: &str,
    trust: &Trust,
) -> Result<Slip, NoSlip> {
    let order = Order::open(order, &trust.origin, &trust.custodians)?;
    let report = verify(source, trust, Evidence::default(), &Extent::default());
    if let Some(finding) = report.findings.into_iter().next() {
        return Err(NoSlip::Unsound(finding));
    }
    let survey = Survey::of(source, trust)?;
    let slips = survey.orders.slips().iter().filter(|slip| slip.id == order.order.id);
    // A lawful one counts, however often it was repeated.
    let slip = slips.max_by_key(|slip| slip.verdict.is_ok()).ok_or(NoSlip::NotInTheLog)?;
    slip.verdict.map_err(NoSlip::Unlawful)?;
    let receipt = Stored::open(source, trust)?.receipt(source, slip.index, None)?;
    Proven::open(&receipt, trust).map_err(|_| NoSlip::NotInTheLog)?;
    match serde_json::from_str::<LeafBody>(&receipt.entry).map(|body| body.act) {
        Ok(Act::Order(logged)) if is_same(&order, &logged.note, trust) => Ok(slip.clone()),
        _ => Err(NoSlip::NotInTheLog),
    }
}

/// The file may carry more signatures than the log, or fewer; what is ordered must be the same.
fn is_same(order: &OpenedOrder, logged: &str, trust: &Trust) -> bool {
    Order::open(logged, &trust.origin, &trust.custodians)
        .is_ok_and(|logged| logged.order == order.order)
}
