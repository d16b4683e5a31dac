use domain::RequestId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::registry::{self as paths, LogInAnswer, LogInRequest};
use wire::{CallError, Client, Problem};

use super::{PASSWORD, password};

/// Somebody with a certificate, and perhaps a token.
pub(crate) struct Caller {
    pub(crate) client: Client,
    pub(crate) thumbprint: [u8; 32],
    pub(crate) token: Option<String>,
}

impl Caller {
    pub(crate) async fn log_in(&self, user: &str, secret: &str) -> Result<LogInAnswer, CallError> {
        let request = LogInRequest { user_id: user.to_owned(), password: password(secret) };
        self.post(paths::LOG_IN, &request).await
    }

    pub(crate) async fn logged_in(self, user: &str) -> Self {
        let token = self.log_in(user, PASSWORD).await.unwrap().token;
        Self { token: Some(token), ..self }
    }

    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        let request = RequestId::parse("test").unwrap();
        self.client.post(path, &request, self.token.as_deref(), body).await
    }

    /// A change, and the code of the refusal.
    pub(crate) async fn change(&self, path: &str, body: &impl Serialize) -> Result<(), String> {
        match self.post::<serde_json::Value>(path, body).await {
            Ok(answer) => {
                assert_eq!(answer, serde_json::json!({}));
                Ok(())
            }
            Err(error) => Err(problem(error).code),
        }
    }

    pub(crate) async fn get<A: DeserializeOwned>(&self, path: &str) -> A {
        self.try_get(path).await.unwrap()
    }

    pub(crate) async fn try_get<A: DeserializeOwned>(&self, path: &str) -> Result<A, CallError> {
        self.client.get(path, &RequestId::parse("test").unwrap()).await
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.client.get_text(path, &RequestId::parse("test").unwrap()).await.unwrap()
    }
}

pub(crate) fn problem(error: CallError) -> Problem {
    error.problem().cloned().unwrap_or_else(|| panic!("{error:?}"))
}
