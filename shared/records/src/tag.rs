//! Names one version of a person's entry or of a dose, as `ETag` and `If-Match` carry it.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::IF_MATCH;
use actix_web::{FromRequest, HttpRequest};
use room::store::subject::Found;
use room::store::vaccination::Held;
use service::ApiError;
use uuid::Uuid;

use crate::problems;

/// Written as `"<id>-<version>"`, with the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    id: Uuid,
    version: i32,
}

impl Tag {
    pub(crate) fn of_subject(found: &Found) -> Self {
        Self { id: found.id.0, version: found.version }
    }

    pub(crate) fn of_dose(held: &Held) -> Self {
        Self { id: held.id.0, version: held.number }
    }

    /// The dose or the person it names.
    pub(crate) fn id(self) -> Uuid {
        self.id
    }

    /// The same without the quotes, for those who send it in a body.
    pub(crate) fn bare(self) -> String {
        format!("{}-{}", self.id, self.version)
    }

    pub(crate) fn parse_bare(text: &str) -> Option<Self> {
        Self::parse(&format!("\"{text}\""))
    }

    /// One spelling only, so that a tag is what it was given out as.
    fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        let (id, version) = inner.rsplit_once('-')?;
        let tag = Self { id: id.parse().ok()?, version: version.parse().ok()? };
        (tag.version > 0 && tag.to_string() == text).then_some(tag)
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}-{}\"", self.id, self.version)
    }
}

/// The version a change is to follow; exactly one, and never "any".  A body that cannot be read is
/// refused before it is missed.
#[derive(Debug)]
pub(crate) struct IfMatch(pub(crate) Result<Tag, ApiError>);

impl FromRequest for IfMatch {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut sent = request.headers().get_all(IF_MATCH);
        ready(Ok(Self(match (sent.next(), sent.next()) {
            (None, _) => Err(ApiError::new(&problems::VERSION_REQUIRED)),
            (Some(value), None) => {
                let tag = value.to_str().ok().and_then(Tag::parse);
                tag.ok_or_else(|| ApiError::field("If-Match"))
            }
            (Some(_), Some(_)) => Err(ApiError::field("If-Match")),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_comes_back_as_it_was_given_out() {
        let tag = Tag { id: Uuid::from_u128(7), version: 12 };
        assert_eq!(tag.to_string(), "\"00000000-0000-0000-0000-000000000007-12\"");
        assert_eq!(Tag::parse(&tag.to_string()), Some(tag));
    }

    #[test]
    fn nothing_else_is_a_tag() {
        let id = "00000000-0000-0000-0000-00000000000a";
        for text in [
            "*".to_owned(),
            format!("{id}-1"),
            format!("\"{id}\""),
            format!("\"{id}-0\""),
            format!("\"{id}-01\""),
            format!("\"{id}-+1\""),
            format!("\"{id}-99999999999\""),
            format!("W/\"{id}-1\""),
            format!("\"{id}-1\", \"{id}-2\""),
            format!("\"{}-1\"", id.to_uppercase()),
        ] {
            assert_eq!(Tag::parse(&text), None, "{text}");
        }
    }
}
