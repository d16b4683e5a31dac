//! Two people, everything sealed about them, and everybody who reads it.

use std::sync::OnceLock;

use domain::{InquiryId, ServiceKind};
use uuid::Uuid;
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use wire::CallError;
use wire::partition::{
    AskRequest, ListPage, PROVISIONS_LIST, ProvideRequest, Provisions, RegisterVaccination,
};

use super::letter;
use super::sql::{Sql, id_is};
use crate::support::{Engine, RUNTIME, World, dose, fresh_number, question};

/// Worlds of these tests' own: while a room's provision record is spoilt, nobody can list it.
pub(super) fn on_both<F: AsyncFn(&Scene)>(test: F) {
    static WORLDS: [OnceLock<World>; 2] = [OnceLock::new(), OnceLock::new()];
    for (cell, engine) in WORLDS.iter().zip([Engine::Sqlite, Engine::Postgres]) {
        let world = cell.get_or_init(|| {
            let world = RUNTIME.block_on(World::start(engine));
            Sql::owner(&world, ServiceKind::Partition).drop_triggers();
            world
        });
        RUNTIME.block_on(async { test(&Scene::new(world).await).await });
    }
}

/// Two people of Adachi who moved to Koriyama, each asked about once.
pub(super) struct Scene {
    pub(super) world: &'static World,
    pub(super) numbers: [u32; 2],
    pub(super) subjects: [Uuid; 2],
    pub(super) asked: [AskRequest; 2],
    pub(super) clerk: Desk,
    supervisor: Desk,
    pub(super) koriyama: Desk,
}

/// A sealed value: its column and the condition that picks its row.
pub(super) struct Place {
    pub(super) table: &'static str,
    pub(super) column: &'static str,
    pub(super) rows: String,
}

/// Who reads a value, and by what.
pub(super) enum Reader {
    /// Koriyama asks Adachi about a number, under a new id.
    Ask(u32),
    /// Koriyama asks once more under the same id.
    AskAgain(AskRequest),
    Find(InquiryId),
    /// Adachi's own people.
    Withhold(Uuid),
    Vaccinate(Uuid),
    Register(u32),
    Provisions,
    /// The broker repeats an inquiry that was answered.
    ProvideAgain(Box<ProvideRequest>),
}

impl Scene {
    pub(super) async fn new(world: &'static World) -> Self {
        let numbers = [fresh_number(), fresh_number()];
        let koriyama = world.desk(&world.cast.koriyama.clerk).await;
        let mut subjects = [Uuid::nil(); 2];
        let asked = numbers.map(|number| question(number, world.cast.adachi.code));
        for (at, number) in numbers.into_iter().enumerate() {
            subjects[at] = world.live_in_adachi(number, &[dose(1), dose(2)]).await;
            world.arrive_in_koriyama(number).await;
            koriyama.ask(&asked[at]).await.unwrap();
        }
        let clerk = world.desk(&world.cast.adachi.clerk).await;
        let supervisor = world.desk(&world.cast.adachi.supervisor).await;
        Self { world, numbers, subjects, asked, clerk, supervisor, koriyama }
    }

    pub(super) fn sql(&self) -> Sql {
        Sql::owner(self.world, ServiceKind::Partition)
    }

    /// What a reader gets, in words that tell one answer from another.
    pub(super) async fn read(&self, reader: &Reader) -> Result<String, CallError> {
        match reader {
            Reader::Ask(number) => {
                let question = question(*number, self.world.cast.adachi.code);
                let answer = self.koriyama.ask(&question).await?;
                Ok(format!("{:?} {:?}", answer.outcome, answer.vaccinations))
            }
            Reader::AskAgain(asked) => {
                self.koriyama.ask(asked).await.map(|answer| format!("{answer:?}"))
            }
            Reader::Find(inquiry) => {
                self.koriyama.find(*inquiry).await.map(|answer| format!("{answer:?}"))
            }
            Reader::Withhold(subject) => self.withhold(*subject, false).await,
            Reader::Vaccinate(subject) => {
                let dose = RegisterVaccination { subject: *subject, vaccination: dose(9) };
                self.clerk.register_vaccination(&dose).await.map(|_| "registered".to_owned())
            }
            Reader::Register(number) => {
                let resident = Resident { serial: *number, doses: Vec::new() };
                match self.clerk.register_subject(&resident.to_request()).await {
                    Err(CallError::Refused(problem)) => Ok(problem.code),
                    other => other.map(|_| "registered".to_owned()),
                }
            }
            Reader::Provisions => {
                let page = ListPage { from: 0, limit: 1_000 };
                let list: Provisions = self.supervisor.room(PROVISIONS_LIST, &page).await?;
                Ok(format!("{} or more", list.provisions.len().min(2)))
            }
            Reader::ProvideAgain(request) => {
                let answer = letter::provide(self.world, request).await?;
                Ok(format!("{:?}", answer.commitment.map(|commitment| commitment.0)))
            }
        }
    }

    pub(super) async fn withhold(
        &self,
        subject: Uuid,
        withheld: bool,
    ) -> Result<String, CallError> {
        self.supervisor.withhold(subject, withheld).await?;
        Ok(withheld.to_string())
    }

    pub(super) async fn expect_fault(&self, reader: &Reader, what: &str) {
        let wanted = match reader {
            // The source says that it failed; the broker says to the asker whose turn it is.
            Reader::Ask(_) => (503, "source-unavailable"),
            _ => (500, "internal"),
        };
        let error = match self.read(reader).await {
            Ok(answer) => panic!("{what} was answered: {answer}"),
            Err(error) => error,
        };
        let got = error.problem().map(|problem| (problem.status, problem.code.as_str()));
        assert_eq!(got, Some(wanted), "{what}: {error:?}");
    }

    /// Puts each wrong value into the place; no reader may get anything but a fault, and all must
    /// get what they got before as soon as the right value is back.
    pub(super) async fn expect_noticed(&self, place: &Place, wrong: &[String], readers: &[Reader]) {
        let Place { table, column, rows } = place;
        let mut sql = self.sql();
        let read = sql.hex(column);
        let right = sql.text(&format!("SELECT {read} AS value FROM {table} WHERE {rows}"));
        let mut before = Vec::new();
        for reader in readers {
            before.push(self.read(reader).await.unwrap());
        }
        let mut put = |hex: &str| {
            let bytes = sql.bytes(hex);
            let changed = sql.run(&format!("UPDATE {table} SET {column} = {bytes} WHERE {rows}"));
            assert_eq!(changed, 1, "{table}.{column}");
        };
        for hex in wrong.iter().cloned().chain(damaged(&right)) {
            assert_ne!(hex, right);
            put(&hex);
            for reader in readers {
                let begin = hex.get(..60).unwrap_or(&hex);
                self.expect_fault(reader, &format!("{table}.{column} = {begin}…")).await;
            }
            put(&right);
        }
        for (reader, before) in readers.iter().zip(before) {
            assert_eq!(self.read(reader).await.unwrap(), before, "{table}.{column} restored");
        }
    }

    /// The sealed value that stands in a place, in hexadecimal.
    pub(super) fn sealed(&self, place: &Place) -> String {
        let mut sql = self.sql();
        let Place { table, column, rows } = place;
        let read = sql.hex(column);
        sql.text(&format!("SELECT {read} AS value FROM {table} WHERE {rows}"))
    }

    pub(super) fn subject(&self, who: usize, version: i32) -> Place {
        let is_it = id_is(&self.sql(), "id", &self.subjects[who]);
        Place {
            table: "subject",
            column: "sealed",
            rows: format!("{is_it} AND version = {version}"),
        }
    }

    pub(super) fn number(&self, who: usize) -> Place {
        let rows = id_is(&self.sql(), "subject_id", &self.subjects[who]);
        Place { table: "subject_number", column: "number_sealed", rows }
    }

    /// The first dose in the order of ids.
    pub(super) fn dose(&self, who: usize, is_last: bool) -> Place {
        let is_it = id_is(&self.sql(), "subject_id", &self.subjects[who]);
        let order = if is_last { "DESC" } else { "ASC" };
        let id = format!("SELECT id FROM vaccination WHERE {is_it} ORDER BY id {order} LIMIT 1");
        Place { table: "vaccination", column: "sealed", rows: format!("id = ({id})") }
    }

    pub(super) fn inquiry(&self, who: usize, column: &'static str) -> Place {
        let rows = id_is(&self.sql(), "id", &self.asked[who].inquiry.0);
        Place { table: "inquiry", column, rows }
    }

    pub(super) fn provision(&self, inquiry: InquiryId) -> Place {
        let rows = id_is(&self.sql(), "inquiry_id", &inquiry.0);
        Place { table: "provision", column: "content_sealed", rows }
    }
}

/// Flipped bits in every part of a sealed value (format, key id, nonce, ciphertext, tag), and cuts.
pub(super) fn damaged(right: &str) -> Vec<String> {
    let bytes = right.len() / 2;
    let flip = |at: usize, bit: u8| {
        let byte = u8::from_str_radix(&right[2 * at..2 * at + 2], 16).unwrap() ^ (1 << bit);
        format!("{}{byte:02x}{}", &right[..2 * at], &right[2 * at + 2..])
    };
    let flips = [(0, 1), (1, 7), (4, 0), (5, 3), (16, 7), (17, 0), (bytes / 2, 4), (bytes - 1, 0)];
    let mut damaged: Vec<String> = flips.map(|(at, bit)| flip(at, bit)).into();
    damaged.extend(["", &right[..20], &right[..right.len() - 2]].map(str::to_owned));
    damaged.push(format!("{right}00"));
    damaged
}
