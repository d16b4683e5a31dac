//! The demonstration itself: log in, ask twice, look at what remains.

use std::time::Instant;

use domain::vaccination::Vaccination;
use domain::{Confirmation, InquiryId, Outcome};
use wire::WireNumber;
use wire::partition::{AskAnswer, AskOutcome, AskRequest};
use wire::provision_log::IndexedEntry;

use super::desk::Desk;
use super::outcomes::{entries_of, prove};
use super::site::{Passwords, Site};
use crate::Failure;
use cast::Cast;
use cast::{Resident, Residents};
use screen::{Screen, show_time};

/// An inquiry that was shown, with what it left behind.
#[derive(Debug)]
pub struct Asked {
    question: AskRequest,
    answer: AskAnswer,
    entries: Vec<IndexedEntry>,
}

/// What was shown; its claims can be checked.
#[derive(Debug)]
pub struct Shown {
    desk: Desk,
    cast: Cast,
    doses: Vec<Vaccination>,
    found: Asked,
    nothing: Asked,
}

/// Shows everything, step by step.
pub async fn show(site: &Site, screen: Screen) -> Result<Shown, Failure> {
    let cast = Cast::new()?;
    let Residents { moved, misdirected, .. } = Residents::new(0);
    let clerk = &cast.koriyama.clerk;
    let passwords = Passwords::load(&site.layout)?;

    let begun = Instant::now();
    let desk = Desk::log_in(site, clerk, &passwords).await?;
    screen.done(&format!("1. {} logs in at {}", clerk.id, clerk.terminal), begun.elapsed());

    let title = "2. Koriyama asks Adachi about a person who moved from there";
    let (question, answer) = ask(&desk, &cast, &moved, (screen, title)).await?;
    show_answer(screen, &answer);
    let found = (question, answer);

    let title = "3. Koriyama asks Adachi about a person unknown there";
    let (question, answer) = ask(&desk, &cast, &misdirected, (screen, title)).await?;
    show_answer(screen, &answer);
    let nothing = (question, answer);

    let begun = Instant::now();
    let found = recall(site, &cast, found).await?;
    let nothing = recall(site, &cast, nothing).await?;
    screen.done("4. What remains in the provision log", begun.elapsed());
    for asked in [&found, &nothing] {
        show_entries(site, &cast, screen, asked).await?;
    }
    Ok(Shown { desk, cast, doses: moved.doses, found, nothing })
}

async fn ask(
    desk: &Desk,
    cast: &Cast,
    resident: &Resident,
    (screen, title): (Screen, &str),
) -> Result<(AskRequest, AskAnswer), Failure> {
    let question = question(cast, resident);
    let begun = Instant::now();
    let answer = desk.ask_until_definite(&question).await.map_err(Failure::call("the inquiry"))?;
    screen.done(title, begun.elapsed());
    Ok((question, answer))
}

/// Koriyama's question to Adachi about a person.
pub fn question(cast: &Cast, resident: &Resident) -> AskRequest {
    AskRequest {
        inquiry: InquiryId::make_random(),
        individual_number: WireNumber(resident.number()),
        provider: cast.adachi.code,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
    }
}

async fn recall(
    site: &Site,
    cast: &Cast,
    (question, answer): (AskRequest, AskAnswer),
) -> Result<Asked, Failure> {
    let entries = entries_of(site, cast.koriyama.code, question.inquiry).await?;
    Ok(Asked { question, answer, entries })
}

fn show_answer(screen: Screen, answer: &AskAnswer) {
    screen.line(match answer.outcome {
        AskOutcome::Provided => "       provided:",
        AskOutcome::Nothing => "       nothing",
    });
    for dose in &answer.vaccinations {
        let Vaccination { dose_number, date, maker, lot, .. } = dose;
        screen.line(&format!("         dose {dose_number}   {date}   {maker}   {lot}"));
    }
}

async fn show_entries(
    site: &Site,
    cast: &Cast,
    screen: Screen,
    asked: &Asked,
) -> Result<(), Failure> {
    for found in &asked.entries {
        let IndexedEntry { index, entry, .. } = found;
        let begun = Instant::now();
        let size = prove(site, &cast.koriyama.clerk, found).await?;
        let took = show_time(begun.elapsed());
        let about = match entry.commitment {
            Some(_) => "a salted commitment to person and doses",
            None => "nothing about any person",
        };
        screen.line(&format!(
            "       entry {index}: {} asked {}, {}, {}: {}",
            entry.inquirer,
            entry.provider,
            entry.procedure,
            entry.legal_basis,
            entry.outcome.as_str()
        ));
        screen.line(&format!(
            "         holds {about}; proven to be one of {size} under the signed checkpoint ({took})"
        ));
    }
    Ok(())
}

impl Shown {
    /// Checks every claim and names the first that does not hold.
    pub async fn check(&self, site: &Site, screen: Screen) -> Result<(), Failure> {
        let Self { desk, cast, doses, found, nothing } = self;
        screen.line("  Checked:");
        let claim = |holds: bool, claim: &'static str| {
            screen.line(&format!("  {} {claim}", if holds { '✓' } else { '✗' }));
            if holds { Ok(()) } else { Err(Failure::Claim(claim)) }
        };
        let is_provided = found.answer.outcome == AskOutcome::Provided;
        let same = found.answer.vaccinations == *doses;
        claim(is_provided && same, "the doses are exactly those that Adachi registered")?;
        let is_nothing = nothing.answer.outcome == AskOutcome::Nothing;
        let empty = nothing.answer.vaccinations.is_empty();
        claim(is_nothing && empty, "about the person unknown in Adachi nothing was said")?;
        let one_each =
            found.has_one_entry(Outcome::Provided) && nothing.has_one_entry(Outcome::Nothing);
        claim(one_each, "each inquiry has one entry, at the index its answer names")?;
        let silent = nothing.entries.iter().all(|one| one.entry.commitment.is_none());
        claim(silent, "the entry of the inquiry that found nothing commits to no person")?;
        for (asked, outcome, sentence) in [
            (
                found,
                Outcome::Provided,
                "asked again with the same id: the same answer, still one entry",
            ),
            (nothing, Outcome::Nothing, "and the same for the one that found nothing"),
        ] {
            let again = desk.ask(&asked.question).await;
            let again = again.map_err(Failure::call("the repeated inquiry"))?;
            let entries = entries_of(site, cast.koriyama.code, asked.question.inquiry).await?;
            let answer = asked.answer.clone();
            let later = Asked { question: asked.question.clone(), answer, entries };
            claim(again == asked.answer && later.has_one_entry(outcome), sentence)?;
        }
        Ok(())
    }
}

impl Asked {
    fn has_one_entry(&self, outcome: Outcome) -> bool {
        matches!(self.entries.as_slice(), [one]
            if one.entry.outcome == outcome && one.index == self.answer.log_index)
    }
}
