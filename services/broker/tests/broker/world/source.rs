use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::web::{Data, Json, post};
use domain::Action;
use service::health::{LIVE, METRICS, READY};
use service::pki::Authority;
use service::server::Running;
use service::{ApiError, Body, Endpoint, problems};
use wire::partition::{PROVIDE, ProvideAnswer, ProvideRequest};

use super::{play, url};

static ENDPOINTS: &[Endpoint] =
    &[Endpoint::post(PROVIDE, Action::ProvideRecords), LIVE, READY, METRICS];

/// What the played source does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    Provide {
        sealed: Vec<u8>,
    },
    Nothing {
        sealed: Vec<u8>,
    },
    /// Nothing, after a third of a second.
    Dawdle,
    Refuse,
    Fail,
}

#[derive(Debug)]
pub(crate) struct Room {
    manner: Manner,
    asked: Vec<ProvideRequest>,
}

pub(crate) struct FakeSource {
    pub(crate) url: String,
    room: Arc<Mutex<Room>>,
    running: Option<Running>,
}

impl FakeSource {
    pub(crate) fn start(authority: &Authority, instance: &'static str) -> Self {
        let manner = Manner::Provide { sealed: vec![1; 1_072] };
        let room = Arc::new(Mutex::new(Room { manner, asked: Vec::new() }));
        let data = Data::from(Arc::clone(&room));
        let running = play(authority, instance, ENDPOINTS, move |app| {
            app.app_data(data.clone()).route(PROVIDE, post().to(provide));
        });
        Self { url: url(&running), room, running: Some(running) }
    }

    pub(crate) fn set(&self, manner: Manner) {
        self.room.lock().unwrap().manner = manner;
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    pub(crate) fn asked(&self) -> Vec<ProvideRequest> {
        self.room.lock().unwrap().asked.clone()
    }
}

async fn provide(
    room: Data<Mutex<Room>>,
    Body(request): Body<ProvideRequest>,
) -> Result<Json<ProvideAnswer>, ApiError> {
    let manner = {
        let mut room = room.lock().unwrap();
        room.asked.push(request);
        room.manner.clone()
    };
    match manner {
        Manner::Dawdle => {
            actix_web::rt::time::sleep(Duration::from_millis(300)).await;
            Ok(Json(ProvideAnswer { sealed: vec![2; 1_072].into(), commitment: None }))
        }
        Manner::Provide { sealed } => {
            Ok(Json(ProvideAnswer { sealed: sealed.into(), commitment: Some(vec![5; 32].into()) }))
        }
        Manner::Nothing { sealed } => {
            Ok(Json(ProvideAnswer { sealed: sealed.into(), commitment: None }))
        }
        Manner::Refuse => Err(ApiError::new(&problems::DENIED)),
        Manner::Fail => Err(ApiError::new(&problems::INTERNAL)),
    }
}
