//! The words of the trade and the rules that need no machine: who may ask whom for what, what a
//! number or a code must look like, how long things are kept.
//!
//! Invariant: no I/O, no database, no HTTP, no cipher.  Personal values are types that cannot be
//! printed or serialised by accident ([`IndividualNumber`], [`PersonalText`], [`AddressNumber`]).
//!
//! Reading order: [`municipality`], [`individual_number`], [`subject`], [`vaccination`],
//! [`inquiry`], [`provision`], [`law`], [`context`], [`policy`].

mod action;
pub mod address_number;
pub mod capture;
pub mod clock;
pub mod completeness;
pub mod context;
pub mod disclosure;
pub mod fair_share;
pub mod individual_number;
pub mod inquiry;
pub mod law;
pub mod likeness;
pub mod municipalities;
pub mod municipality;
pub mod notice;
pub mod personal;
pub mod policy;
pub mod provision;
pub mod retention;
pub mod review;
pub mod spelling;
pub mod subject;
pub mod text_id;
pub mod vaccination;
pub mod voucher;
pub mod written_reason;

pub use self::address_number::AddressNumber;
pub use self::clock::{Clock, FixedClock, SystemClock};
pub use self::completeness::Completeness;
pub use self::context::{Actor, OpContext, Recorded, Role, ServiceKind};
pub use self::individual_number::IndividualNumber;
pub use self::inquiry::{Confirmation, InquiryHeader, InquiryId};
pub use self::likeness::Likeness;
pub use self::municipality::MunicipalityCode;
pub use self::notice::{NoticeHeader, NoticeId, NoticeKind};
pub use self::personal::PersonalText;
pub use self::policy::{Action, Denied, Permit, authorize};
pub use self::provision::{Outcome, Reason};
pub use self::text_id::{OperatorId, RequestId, TerminalId};
pub use self::written_reason::WrittenReason;
