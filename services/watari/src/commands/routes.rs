use std::process::ExitCode;

use domain::{Action, policy};

use crate::services;
use screen::Screen;

pub(crate) fn run(screen: Screen) -> ExitCode {
    screen.line(table().trim_end());
    ExitCode::SUCCESS
}

/// Every route of every service, with what is done there and who may.
pub(crate) fn table() -> String {
    let mut text =
        format!("{:<15}{:<6}{:<30}{:<22}{}\n", "SERVICE", "HOW", "PATH", "ACTION", "WHO");
    for kind in services::IN_ORDER {
        for endpoint in services::endpoints(kind) {
            let (kind, method) = (kind.as_str(), endpoint.method.as_str());
            let (path, action) = (endpoint.path, format!("{:?}", endpoint.action));
            let who = parties(endpoint.action);
            text.push_str(&format!("{kind:<15}{method:<6}{path:<30}{action:<22}{who}\n"));
        }
    }
    text
}

/// The policy's own table is asked, so that this one can't differ from it.
fn parties(action: Action) -> String {
    let action = format!("{action:?}");
    let table = policy::table();
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let parties = rows.filter_map(|row| match row.as_slice() {
        [name, party, _, other] if *name == action => {
            Some(if *other == "yes" { (*party).to_owned() } else { format!("{party} (own room)") })
        }
        _ => None,
    });
    parties.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changed by hand only: a change of this file is a change of what can be called, and by whom.
    #[test]
    fn routes_are_as_published() {
        assert_eq!(table(), include_str!("../../tests/routes.txt"));
    }
}
