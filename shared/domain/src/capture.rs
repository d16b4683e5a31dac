//! A dose captured at a venue: what the device checks before it seals, so that people at the venue
//! hear of a mistake while the person and the voucher are still there.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::MunicipalityCode;
use crate::law::day_in_japan;
use crate::vaccination::{InvalidVaccination, Vaccination};
use crate::voucher::{InvalidVoucher, VoucherLine, VoucherNumber};

/// A dose with the voucher it was given for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    pub id: Uuid,
    pub voucher: Ticket,
    pub dose: Vaccination,
    pub captured_at_unix_ms: i64,
}

/// What was read from the voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticket {
    /// The whole printed line.
    Line(VoucherLine),
    /// Only the number; the municipality is the device's own.
    Number(VoucherNumber),
}

/// Why the venue has to look again.  Never carries what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureFault {
    #[error("接種券の番号に数字以外の文字があります。券面をもう一度読み取ってください。")]
    NotDigits,
    #[error("接種券の番号の桁数が違います。18桁の行か10桁の券番号を読み取ってください。")]
    Length,
    #[error("読み取りが途中で切れています。接種券の行の全体をもう一度読み取ってください。")]
    HalfRead,
    #[error("接種券の市区町村コードの検査数字が合いません。もう一度読み取ってください。")]
    MunicipalityCheck,
    #[error(
        "他の市区町村の接種券です。この端末では登録できません。発行した市区町村の窓口に連絡してください。"
    )]
    OtherMunicipality,
    #[error("接種券の回数と入力された回数が違います。どちらが正しいか確認してください。")]
    OtherDose,
    #[error("接種日が未来の日付です。端末の日付と接種日を確認してください。")]
    FutureDate,
    #[error("接種回数は1以上です。")]
    DoseNumber,
    #[error("メーカー、ロット番号などは1〜60文字です。")]
    Text,
}

impl Ticket {
    /// Reads what a reader or a keyboard gives: 18 digits or 10, also in full width, also with the
    /// start and stop letters (A to D) of an NW-7 code.
    pub fn read(text: &str, own: MunicipalityCode) -> Result<Self, CaptureFault> {
        let plain: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).map(narrow).collect());
        let digits = without_frame(&plain)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CaptureFault::NotDigits);
        }
        if digits.len() == 10 {
            let number = VoucherNumber::parse(digits).map_err(|_| CaptureFault::Length)?;
            return Ok(Self::Number(number));
        }
        let line = VoucherLine::parse(digits).map_err(|error| match error {
            InvalidVoucher::Municipality => CaptureFault::MunicipalityCheck,
            InvalidVoucher::NotTenDigits | InvalidVoucher::NotEighteenDigits => {
                CaptureFault::Length
            }
        })?;
        if line.municipality != own {
            return Err(CaptureFault::OtherMunicipality);
        }
        Ok(Self::Line(line))
    }

    pub fn number(&self) -> &VoucherNumber {
        match self {
            Self::Line(line) => &line.number,
            Self::Number(number) => number,
        }
    }
}

/// Full-width digits and letters as a keyboard in Japanese mode gives them.
fn narrow(c: char) -> char {
    match c {
        '０'..='９' | 'Ａ'..='Ｄ' | 'ａ'..='ｄ' => {
            char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
        }
        c => c,
    }
}

/// A reader sends both letters of the frame or none; one alone means that it lost the other end.
fn without_frame(text: &str) -> Result<&str, CaptureFault> {
    let is_letter = |c: char| matches!(c, 'A'..='D' | 'a'..='d');
    match (text.strip_prefix(is_letter), text.strip_suffix(is_letter)) {
        (Some(rest), Some(_)) => Ok(rest.strip_suffix(is_letter).unwrap_or(rest)),
        (None, None) => Ok(text),
        _ => Err(CaptureFault::HalfRead),
    }
}

impl Capture {
    /// Everything the device can know; `at` is now, by its own clock.
    pub fn check(&self, at: OffsetDateTime) -> Result<(), CaptureFault> {
        self.check_on(day_in_japan(at))
    }

    fn check_on(&self, today: Date) -> Result<(), CaptureFault> {
        self.dose.check(today).map_err(|error| match error {
            InvalidVaccination::DoseNumber => CaptureFault::DoseNumber,
            InvalidVaccination::FutureDate => CaptureFault::FutureDate,
            InvalidVaccination::Text => CaptureFault::Text,
        })?;
        match &self.voucher {
            Ticket::Line(line) if u16::from(line.dose) != self.dose.dose_number => {
                Err(CaptureFault::OtherDose)
            }
            _ => Ok(()),
        }
    }

    /// The bytes that are sealed.
    pub fn write(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (line, number) = match &self.voucher {
            Ticket::Line(line) => (Some((line.kind, line.dose)), &line.number),
            Ticket::Number(number) => (None, number),
        };
        let (kind, line_dose) = line.unzip();
        let plain = Plain {
            id: self.id,
            kind,
            line_dose,
            voucher: number.reveal().to_owned(),
            dose: self.dose.clone(),
            captured_at_unix_ms: self.captured_at_unix_ms,
        };
        serde_json::to_vec(&plain).ok().map(Zeroizing::new)
    }

    /// Reads what a device of `own` sealed; `None` if it is not of that shape.
    pub fn read(bytes: &[u8], own: MunicipalityCode) -> Option<Self> {
        let plain: Plain = serde_json::from_slice(bytes).ok()?;
        let number = VoucherNumber::parse(&plain.voucher).ok()?;
        let voucher = match (plain.kind, plain.line_dose) {
            (Some(kind), Some(dose)) => {
                Ticket::Line(VoucherLine { kind, dose, municipality: own, number })
            }
            (None, None) => Ticket::Number(number),
            _ => return None,
        };
        let (id, dose) = (plain.id, plain.dose.clone());
        Some(Self { id, voucher, dose, captured_at_unix_ms: plain.captured_at_unix_ms })
    }
}

/// As it stands inside the seal.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Plain {
    #[zeroize(skip)]
    id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line_dose: Option<u8>,
    voucher: String,
    #[zeroize(skip)]
    dose: Vaccination,
    captured_at_unix_ms: i64,
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::vaccination::Status;

    fn adachi() -> MunicipalityCode {
        MunicipalityCode::parse("131211").unwrap()
    }

    fn capture(text: &str, dose_number: u16) -> Capture {
        Capture {
            id: Uuid::nil(),
            voucher: Ticket::read(text, adachi()).unwrap(),
            dose: Vaccination {
                status: Status::Done,
                dose_number,
                date: date!(2026 - 04 - 01),
                maker: "ファイザー".to_owned(),
                lot: "EX0001".to_owned(),
                product: None,
                vaccine_kind: None,
                venue: None,
            },
            captured_at_unix_ms: 0,
        }
    }

    #[test]
    fn lines_and_numbers_are_read_as_readers_and_keyboards_give_them() {
        for text in [
            "211312110000000042",
            "２１１３１２１１００００００００４２",
            "A211312110000000042A",
            "b 211312110000000042 D",
        ] {
            let read = Ticket::read(text, adachi()).unwrap();
            assert!(matches!(&read, Ticket::Line(line) if line.dose == 1), "{text}");
            assert_eq!(read.number().reveal(), "0000000042");
        }
        let read = Ticket::read("c0000000042c", adachi()).unwrap();
        assert!(matches!(read, Ticket::Number(_)));
    }

    #[test]
    fn every_mistake_has_a_reason_of_its_own() {
        use CaptureFault::{HalfRead, Length, MunicipalityCheck, NotDigits, OtherMunicipality};
        for (text, want) in [
            ("", NotDigits),
            ("21131211O000000042", NotDigits),
            ("21131211000000004", Length),
            ("00000000042", Length),
            ("A211312110000000042", HalfRead),
            ("211312110000000042d", HalfRead),
            ("211312120000000042", MunicipalityCheck),
            ("210720360000000042", OtherMunicipality),
        ] {
            assert_eq!(Ticket::read(text, adachi()), Err(want), "{text}");
        }
    }

    #[test]
    fn a_dose_of_tomorrow_and_a_voucher_for_another_dose_are_noticed() {
        let noon = datetime!(2026-04-01 12:00 +9);
        assert_eq!(capture("211312110000000042", 1).check(noon), Ok(()));
        let second = capture("211312110000000042", 2).check(noon);
        assert_eq!(second, Err(CaptureFault::OtherDose));
        let day_before = datetime!(2026-03-31 23:59 +9);
        let early = capture("0000000042", 1).check(day_before);
        assert_eq!(early, Err(CaptureFault::FutureDate));
    }

    #[test]
    fn a_capture_comes_back_from_its_bytes() {
        for text in ["211312110000000042", "0000000042"] {
            let capture = capture(text, 1);
            let bytes = capture.write().unwrap();
            assert_eq!(Capture::read(&bytes, adachi()), Some(capture));
        }
        assert_eq!(Capture::read(b"{}", adachi()), None);
    }

    #[test]
    fn nothing_of_a_capture_is_printed() {
        let shown = format!("{:?}", capture("211312119876543210", 1));
        assert!(!shown.contains("9876543210") && !shown.contains("EX0001"), "{shown}");
    }
}
