//! What is known in memory of the rows that wait for one source in one batch.

use std::collections::VecDeque;

use room::store::batch_row::Waiting;

/// A row on its way.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) waiting: Waiting,
    /// How often it has met a fault that was nobody's silence.
    pub(super) faults: u32,
}

#[derive(Debug, Default)]
pub(super) struct Lane {
    rows: VecDeque<Row>,
    /// Rows up to this one have been read from the database.
    pub(super) after: u32,
    /// The database has no more behind that.
    is_dry: bool,
    in_flight: usize,
}

/// What a lane has to give.
pub(super) enum Next {
    Row(Row),
    /// Perhaps more, in the database.
    Unread,
}

impl Lane {
    pub(super) fn next(&mut self) -> Option<Next> {
        match self.rows.pop_front() {
            Some(row) => {
                self.in_flight += 1;
                Some(Next::Row(row))
            }
            None if self.is_dry => None,
            None => Some(Next::Unread),
        }
    }

    /// Takes what was read; fewer than were wanted means that there are no more.
    pub(super) fn fill(&mut self, rows: Vec<Waiting>, wanted: u16) {
        self.is_dry = rows.len() < usize::from(wanted);
        self.after = rows.last().map_or(self.after, |last| last.row);
        self.rows.extend(rows.into_iter().map(|waiting| Row { waiting, faults: 0 }));
    }

    /// A row has ended, or comes back to be asked again.
    pub(super) fn back(&mut self, row: Option<Row>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(row) = row {
            self.rows.push_front(row);
        }
    }

    /// There may be more in the database than was thought.
    pub(super) fn look_again(&mut self) {
        self.is_dry = false;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.is_dry && self.rows.is_empty() && self.in_flight == 0
    }
}
