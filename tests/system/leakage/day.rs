//! A busy day: everything that a number goes through, and everything that goes wrong with one.

use std::time::Duration;

use domain::{IndividualNumber, ServiceKind};
use serde_json::{Value, json};
use uuid::Uuid;
use watari::screen::Screen;
use watari::story::cast::{Cast, Person};
use watari::story::desk::Desk;
use watari::story::seed;
use watari::story::site::{Passwords, Site};
use wire::CallError;
use wire::partition::{AskAnswer, AskOutcome, INQUIRIES, INQUIRIES_FIND, SUBJECTS, VACCINATIONS};

use super::curl::Terminal;
use super::installation::Installation;
use super::mistakes;
use super::needles::Secret;
use super::venue::{Backroom, Tablet, capture, voucher};

/// The id under which one inquiry is found again in logs, traces and databases.
pub(crate) const FOLLOWED: &str = "the-inquiry-that-is-followed";

const WAIT_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Day {
    pub(crate) site: Site,
    pub(crate) cast: Cast,
    pub(crate) adachi: Desk,
    pub(crate) koriyama: Desk,
    supervisor: Desk,
    /// Numbers, names, dates and lots that were used; to be found nowhere.
    pub(crate) secrets: Vec<Secret>,
    /// What was typed at the registry by mistake: it was in its memory for a moment.
    pub(crate) typed_at_registry: Vec<Secret>,
    serial: u32,
}

/// Somebody in a register.
pub(crate) struct Somebody {
    pub(crate) number: String,
    pub(crate) entry: Value,
}

/// Lives through the whole day.
pub(crate) async fn live(installation: &mut Installation) -> Day {
    let mut day = Day::begin(installation).await;
    day.found_and_asked_again().await;
    day.every_kind_of_nothing().await;
    day.refused().await;
    day.numbers_where_other_things_belong().await;
    for stopped in [ServiceKind::ProvisionLog, ServiceKind::Broker] {
        day.asked_while_stopped(installation, stopped).await;
    }
    day.captured_at_a_venue().await;
    mistakes::make(&mut day).await;
    day.found_and_asked_again().await;
    day
}

impl Day {
    async fn begin(installation: &Installation) -> Self {
        let (site, cast) = (installation.site(), Cast::new().unwrap());
        // The demonstration's own residents are not needed.
        std::fs::write(site.layout.seeded(), "").unwrap();
        seed::seed(&site, &domain::SystemClock, Screen::Silent).await.unwrap();
        let passwords = Passwords::load(&site.layout).unwrap();
        let desk = async |person: &Person| Desk::log_in(&site, person, &passwords).await.unwrap();
        Self {
            adachi: desk(&cast.adachi.clerk).await,
            koriyama: desk(&cast.koriyama.clerk).await,
            supervisor: desk(&cast.adachi.supervisor).await,
            secrets: Vec::new(),
            typed_at_registry: Vec::new(),
            serial: 7_700_000,
            cast,
            site,
        }
    }

    pub(crate) fn number(&mut self, what: &str) -> String {
        self.serial += 1;
        let number = IndividualNumber::for_test(self.serial).reveal().to_owned();
        self.secrets.push(Secret::new(&format!("number of {what}"), &number));
        number
    }

    /// A tablet hands in two doses: one for a voucher that was issued, one for a misread one.
    async fn captured_at_a_venue(&mut self) {
        let (site, adachi) = (self.site.clone(), self.cast.adachi.code);
        let room = Backroom::open(&site, adachi).await;
        room.issue_vouchers(37..38).await;
        let tablet = Tablet::issue(&site, adachi, "tablet-of-the-day");
        tablet.register(&self.supervisor).await;
        let key = tablet.sealing_key(&site).await;
        let vouchers = [(voucher(37), "an issued voucher"), (voucher(38), "a misread voucher")];
        let mut captures = Vec::new();
        for (number, what) in vouchers {
            self.secrets.push(Secret::new(&format!("number of {what}"), &number));
            let mut captured = capture(adachi, &number, 1);
            captured.dose.lot = self.text(&format!("lot of {what}"), "LEAK-LOT-");
            captured.dose.venue = Some(self.text(&format!("venue of {what}"), "漏洩会場"));
            captures.push(tablet.device.seal(&key, &captured).unwrap());
        }
        tablet.until_heard(&captures[0]).await;
        tablet.send(&captures).await.unwrap();
        room.until_settled(captures.len(), WAIT_MAX).await;
    }

    /// Text that nobody used before.
    pub(crate) fn text(&mut self, what: &str, text: &str) -> String {
        self.serial += 1;
        let text = format!("{text}{}", self.serial);
        self.secrets.push(Secret::new(what, &text));
        text
    }

    pub(crate) fn somebody(&mut self, what: &str) -> Somebody {
        let number = self.number(what);
        let name = self.text(&format!("name of {what}"), "漏洩試験");
        let kana = self.text(&format!("kana of {what}"), "ロウエイシケン");
        let address_number = self.text(&format!("address number of {what}"), "LEAKTEST");
        let birth_date = format!("1901-{:02}-{:02}", self.serial % 11 + 1, self.serial % 27 + 1);
        self.secrets.push(Secret::new(&format!("birth date of {what}"), &birth_date));
        let entry = json!({"individualNumber": number, "addressNumber": address_number,
            "name": name, "nameKana": kana, "birthDate": birth_date, "sex": "female"});
        Somebody { number, entry }
    }

    fn dose(&mut self, what: &str) -> Value {
        let lot = self.text(&format!("lot of {what}"), "LEAK-LOT-");
        let venue = self.text(&format!("venue of {what}"), "漏洩会場");
        let maker = self.text(&format!("maker of {what}"), "漏洩製薬");
        json!({"status": "done", "doseNumber": 1, "date": "2021-07-01", "maker": maker,
            "lot": lot, "venue": venue})
    }

    pub(crate) async fn register(&self, desk: &Desk, entry: &Value) -> Uuid {
        let answer: Value = desk.room(SUBJECTS, entry).await.unwrap();
        serde_json::from_value(answer["subject"].clone()).unwrap()
    }

    async fn vaccinate(&mut self, subject: Uuid, what: &str) {
        let dose = json!({"subject": subject, "vaccination": self.dose(what)});
        self.adachi.room::<Value>(VACCINATIONS, &dose).await.unwrap();
    }

    async fn ask(&self, question: &Value) -> Result<AskAnswer, CallError> {
        self.koriyama.room(INQUIRIES, question).await
    }

    async fn moved_from_adachi(&mut self, what: &str) -> (Uuid, Value) {
        let person = self.somebody(what);
        let subject = self.register(&self.adachi, &person.entry).await;
        self.register(&self.koriyama, &person.entry).await;
        (subject, question(&person.number, "131211"))
    }

    async fn found_and_asked_again(&mut self) {
        let what = "a person whose doses are found";
        let (subject, question) = self.moved_from_adachi(what).await;
        self.vaccinate(subject, what).await;
        let terminal = Terminal::new(&self.site, self.cast.koriyama.terminal().as_str());
        let id = format!("X-Request-Id: {FOLLOWED}");
        let headers = [id, format!("Authorization: Bearer {}", self.koriyama.session().token)];
        let text = question.to_string();
        let shown = terminal.post(ServiceKind::Partition, INQUIRIES, &headers, &text);
        assert!(shown.starts_with("HTTP/1.1 200") && shown.contains("LEAK-LOT"), "{shown}");
        let (one, two) = tokio::join!(self.ask(&question), self.ask(&question));
        assert_eq!(one.unwrap(), two.unwrap());
        let kept = json!({"inquiry": question["inquiry"]});
        let kept: AskAnswer = self.koriyama.room(INQUIRIES_FIND, &kept).await.unwrap();
        assert_eq!(kept.outcome, AskOutcome::Provided);
    }

    async fn every_kind_of_nothing(&mut self) {
        let mut questions = Vec::new();
        let stranger = self.somebody("a person unknown in Adachi");
        self.register(&self.koriyama, &stranger.entry).await;
        questions.push(question(&stranger.number, "131211"));
        questions.push(self.moved_from_adachi("a person without doses").await.1);
        let what = "a person who is withheld";
        let (subject, withheld) = self.moved_from_adachi(what).await;
        self.vaccinate(subject, what).await;
        self.supervisor.withhold(subject, true).await.unwrap();
        questions.push(withheld);
        for (what, code) in [("a code that takes no part", "131016"), ("an ended code", "173444")] {
            let person = self.somebody(&format!("a person asked about under {what}"));
            self.register(&self.koriyama, &person.entry).await;
            questions.push(question(&person.number, code));
        }
        for question in questions {
            for _ in 0..2 {
                let answer = self.ask(&question).await.unwrap();
                assert_eq!(answer.outcome, AskOutcome::Nothing, "{question}");
            }
        }
    }

    async fn refused(&mut self) {
        let stranger = self.number("somebody who is not in the register");
        let refused = self.ask(&question(&stranger, "131211")).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "not-in-register");
        let (_, mut first) = self.moved_from_adachi("a person asked about").await;
        let (_, second) = self.moved_from_adachi("a person asked about under the same id").await;
        self.ask(&first).await.unwrap();
        first["individualNumber"] = second["individualNumber"].clone();
        let refused = self.ask(&first).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "inquiry-reused");
        let person = self.somebody("a person registered twice");
        self.register(&self.adachi, &person.entry).await;
        let refused = self.adachi.room::<Value>(SUBJECTS, &person.entry).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().code, "already-registered");
    }

    /// Fields that take any text; they are sealed, whatever is in them.
    async fn numbers_where_other_things_belong(&mut self) {
        let mut person = self.somebody("a person with numbers for names");
        for field in ["addressNumber", "name", "nameKana"] {
            person.entry[field] = self.number(&format!("somebody, typed as {field}")).into();
        }
        let subject = self.register(&self.adachi, &person.entry).await;
        self.register(&self.koriyama, &person.entry).await;
        let mut dose = self.dose("a person with numbers for names");
        for field in ["maker", "lot", "venue", "product", "vaccineKind"] {
            dose[field] = self.number(&format!("somebody, typed as {field}")).into();
        }
        let dose = json!({"subject": subject, "vaccination": dose});
        self.adachi.room::<Value>(VACCINATIONS, &dose).await.unwrap();
        let answer = self.ask(&question(&person.number, "131211")).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Provided);
    }

    async fn asked_while_stopped(&mut self, installation: &mut Installation, stopped: ServiceKind) {
        let what = format!("a person asked about without {stopped}");
        let (subject, question) = self.moved_from_adachi(&what).await;
        self.vaccinate(subject, &what).await;
        installation.stop_one(stopped);
        let failed = self.ask(&question).await.unwrap_err();
        assert!(matches!(failed, CallError::Failed(Some(_))), "{failed:?}");
        installation.start_one(stopped);
        let question = serde_json::from_value(question).unwrap();
        let answer = self.koriyama.ask_until_definite(&question).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Provided);
    }
}

pub(crate) fn question(number: &str, provider: &str) -> Value {
    json!({"inquiry": Uuid::now_v7(), "individualNumber": number, "provider": provider,
        "procedure": "transfer-in", "legalBasis": "number-act-19-16",
        "confirmation": "residentRegister"})
}
