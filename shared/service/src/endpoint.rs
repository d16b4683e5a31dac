use domain::Action;

/// One row of a service's route table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub method: Method,
    /// The pattern as the router knows it; never holds an identifier.
    pub path: &'static str,
    /// What a caller does here; the policy says who may.
    pub action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

impl Method {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Endpoint {
    pub const fn get(path: &'static str, action: Action) -> Self {
        Self { method: Method::Get, path, action }
    }

    pub const fn post(path: &'static str, action: Action) -> Self {
        Self { method: Method::Post, path, action }
    }
}
