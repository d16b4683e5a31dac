//! Lines of the operation log as the rules of the check for misuse see them.

use domain::review::{Kind, Line};
use domain::subject::SubjectId;

use crate::partition::{IndexedOperation, OperationEntry};

impl OperationEntry {
    /// What the line is to the rules, if they look at it at all.
    pub fn kind(&self) -> Option<Kind> {
        match (self.act.as_str(), self.result.as_str()) {
            ("AskTransferIn", "begun") => Some(Kind::Asked),
            ("AskBatch", "begun") => Some(Kind::AskedInBatch),
            ("AskTransferIn", "not-in-register") => Some(Kind::NotInRegister),
            ("AskTransferIn", "nothing") => Some(Kind::Nothing),
            ("AskTransferIn", "shown again") | ("ReadInquiry", "shown") => Some(Kind::Shown),
            ("RegisterSubject", "registered") => Some(Kind::Registered),
            ("AskTransferIn" | "AskBatch" | "ReadInquiry" | "RegisterSubject", _) => None,
            _ => self.subject.map(|_| Kind::Other),
        }
    }
}

impl IndexedOperation {
    pub fn line(self) -> Option<Line> {
        let Self { sequence, entry } = self;
        let kind = entry.kind()?;
        let OperationEntry { at_unix_ms, actor: operator, subject, inquiry, .. } = entry;
        let subject = subject.map(SubjectId);
        Some(Line { sequence, at_unix_ms, operator, kind, subject, inquiry })
    }
}
