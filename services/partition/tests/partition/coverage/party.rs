use domain::RequestId;
use serde_json::Value;
use service::Endpoint;
use wire::exports::DISCLOSURES_PAGE;
use wire::{CallError, Client};

use crate::world::Desk;

/// Who calls, and with which proof.
pub(super) struct Party {
    pub(super) client: Client,
    pub(super) token: Option<String>,
    /// What the log must say of them.
    pub(super) actor: &'static str,
    pub(super) terminal: &'static str,
    pub(super) room: &'static str,
    /// What changes something that is there names the version it follows.
    pub(super) tag: Option<String>,
}

impl Party {
    pub(super) fn operator(desk: Desk, actor: &'static str, room: &'static str) -> Self {
        Self {
            client: desk.client,
            token: Some(desk.token),
            actor,
            terminal: "t-1",
            room,
            tag: None,
        }
    }

    pub(super) fn service(client: Client, actor: &'static str, room: &'static str) -> Self {
        Self { client, token: None, actor, terminal: "-", room, tag: None }
    }
}

impl Party {
    pub(super) async fn post(
        &self,
        endpoint: &Endpoint,
        request: &RequestId,
        body: &Value,
    ) -> Result<Value, CallError> {
        let (path, token) = (endpoint.path, self.token.as_deref());
        let answer = match &self.tag {
            Some(tag) => self.client.post_if_match(path, request, (token, tag), body).await,
            None => self.client.post(path, request, token, body).await,
        };
        match answer {
            // A page for people, which the client of machines can't read.
            Err(CallError::Unreadable) if path == DISCLOSURES_PAGE => Ok(Value::Null),
            answer => answer,
        }
    }
}
