use crypto::{Purpose, Signature};
use domain::{MunicipalityCode, Reason};
use service::Directory;
use wire::broker::BrokerInquiry;

/// Whether this partition instance hosts the room it speaks for.
pub(crate) fn is_host(directory: &Directory, instance: &str, inquirer: MunicipalityCode) -> bool {
    directory.member(inquirer).is_some_and(|member| member.host == instance)
}

/// The inquiry as it came, with the bytes that its signature covers.
pub(crate) struct Signed<'a> {
    pub(crate) inquiry: &'a BrokerInquiry,
    pub(crate) bytes: &'a [u8],
}

/// Checks the signature before the time: only then is the time the inquirer's own statement.
pub(crate) fn check(
    directory: &Directory,
    signed: &Signed<'_>,
    now_unix_s: i64,
    clock_s_max: u64,
) -> Result<(), Reason> {
    let Signed { inquiry, bytes } = signed;
    let inquirer = directory.member(inquiry.header.inquirer).ok_or(Reason::NotAuthentic)?;
    let signature =
        Signature::try_from(inquiry.signature.0.as_slice()).map_err(|_| Reason::NotAuthentic)?;
    if !inquirer.has_signed(now_unix_s, (Purpose::Inquiry, bytes), &signature) {
        return Err(Reason::NotAuthentic);
    }
    let away_s = now_unix_s.abs_diff(inquiry.header.asked_at_unix_s);
    if away_s > clock_s_max { Err(Reason::OutOfTime) } else { Ok(()) }
}
