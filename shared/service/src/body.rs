//! JSON bodies with a limit on size and on time.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use serde::de::DeserializeOwned;
use wire::fhir::FORM;
use zeroize::{Zeroize as _, Zeroizing};

use crate::ApiError;
use crate::problems;

/// How large a body may be and how long it may take to arrive.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    pub bytes_max: usize,
    pub ms_max: u64,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { bytes_max: 1024 * 1024, ms_max: 5_000 }
    }
}

/// A JSON body of the agreed shape.  What is refused is named by its field, never repeated.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = take(request, payload, "application/json");
        Box::pin(async move {
            let bytes = bytes.await?;
            let parsed = parse(&bytes);
            wipe(bytes);
            parsed.map(Self)
        })
    }
}

/// A body of form fields, as FHIR searches send it; refusals are told in FHIR.
pub struct FhirForm(pub Vec<(String, Zeroizing<String>)>);

impl std::fmt::Debug for FhirForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FhirForm(redacted)")
    }
}

impl FromRequest for FhirForm {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = take(request, payload, FORM);
        Box::pin(async move {
            let bytes = bytes.await.map_err(ApiError::in_fhir)?;
            let fields = form_fields(&bytes);
            wipe(bytes);
            let malformed = || ApiError::new(&problems::MALFORMED).in_fhir();
            fields.map(Self).ok_or_else(malformed)
        })
    }
}

/// The whole body, if it is of the right type, short enough and in time.
fn take(
    request: &HttpRequest,
    payload: &mut Payload,
    content_type: &'static str,
) -> impl Future<Output = Result<Bytes, ApiError>> + use<> {
    let limits = request.app_data::<Data<BodyLimits>>().map_or(BodyLimits::default(), |l| ***l);
    let is_right = request.content_type() == content_type;
    let payload = web::Payload::from_request(request, payload);
    async move {
        if !is_right {
            return Err(ApiError::field("Content-Type"));
        }
        let payload = payload.await.map_err(|_| ApiError::new(&problems::MALFORMED))?;
        let reading = read(payload, limits.bytes_max);
        let bytes = actix_web::rt::time::timeout(Duration::from_millis(limits.ms_max), reading);
        bytes.await.map_err(|_| ApiError::new(&problems::TOO_SLOW))?
    }
}

/// Name and value of each field; `None` if a name or a value is no text.
fn form_fields(bytes: &[u8]) -> Option<Vec<(String, Zeroizing<String>)>> {
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let read = |pair: &[u8]| {
        let place = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(place)?;
        let value = value.strip_prefix(b"=").unwrap_or_default();
        Some((unescape(name)?.to_string(), unescape(value)?))
    };
    pairs.map(read).collect()
}

fn unescape(text: &[u8]) -> Option<Zeroizing<String>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

/// Reads the whole body, or says why not.
async fn read(payload: web::Payload, bytes_max: usize) -> Result<Bytes, ApiError> {
    match payload.to_bytes_limited(bytes_max).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(ApiError::new(&problems::MALFORMED)),
        Err(_) => Err(ApiError::new(&problems::TOO_LARGE)),
    }
}

/// A body may hold an individual number, so the buffer it came in does not outlive the request.
fn wipe(bytes: Bytes) {
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.zeroize();
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = match (error.path().to_string(), missing_field(error.inner())) {
            (path, None) => path,
            (path, Some(field)) if path == "." => field,
            (path, Some(field)) => format!("{path}.{field}"),
        };
        if is_name(&path) && path != "." && is_value_wrong(error.inner()) {
            ApiError::field(&path)
        } else {
            ApiError::new(&problems::MALFORMED)
        }
    })?;
    json.end().map_err(|_| ApiError::new(&problems::MALFORMED))?;
    Ok(value)
}

/// Letters and dots, and short places in lists: nothing that could be a number of somebody.
fn is_name(path: &str) -> bool {
    let is_place = |place: &str| {
        place.split_once(']').is_some_and(|(digits, rest)| {
            digits.len() <= 6 && digits.bytes().all(|b| b.is_ascii_digit()) && is_plain(rest)
        })
    };
    let mut parts = path.split('[');
    path.len() <= 80 && parts.next().is_some_and(is_plain) && parts.all(is_place)
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'.')
}

/// A name of ours, which the caller left out.
fn missing_field(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (name, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    Some(name.to_owned())
}

/// Only then is the path made of names of ours; an unknown field, or one inside text that is no
/// document, is the caller's word.
fn is_value_wrong(error: &serde_json::Error) -> bool {
    error.is_data() && !error.to_string().starts_with("unknown field")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use wire::WireNumber;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Form {
        #[expect(dead_code, reason = "only its parsing is tested")]
        individual_number: WireNumber,
    }

    #[test]
    fn the_wrong_field_is_named_and_its_value_is_not_repeated() {
        let error = parse::<Form>(br#"{"individualNumber":"999912345678"}"#).unwrap_err();
        let problem = error.problem("r");
        assert_eq!(problem.field.as_deref(), Some("individualNumber"));
        assert!(!serde_json::to_string(&problem).unwrap().contains("9999"));
    }

    #[test]
    fn a_missing_field_is_named_wherever_it_is() {
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[expect(dead_code, reason = "only its parsing is tested")]
            form: Form,
        }
        let field = |error: ApiError| error.problem("r").field;
        let missing = field(parse::<Form>(b"{}").unwrap_err());
        assert_eq!(missing.as_deref(), Some("individualNumber"));
        let missing = field(parse::<Outer>(br#"{"form":{}}"#).unwrap_err());
        assert_eq!(missing.as_deref(), Some("form.individualNumber"));
    }

    #[test]
    fn a_place_in_a_list_is_named_and_no_longer_number() {
        let error = parse::<Vec<Form>>(br#"[{"individualNumber":"1"}]"#).unwrap_err();
        assert_eq!(error.problem("r").field.as_deref(), Some("[0].individualNumber"));
        for path in ["a[0].b[12]", "a.b", "[3]"] {
            assert!(is_name(path), "{path}");
        }
        for path in ["a[999900000038]", "a[0", "a]0[", "a[x]", "999900000038", "a[0]1"] {
            assert!(!is_name(path), "{path}");
        }
    }

    #[test]
    fn an_unknown_field_that_is_a_number_is_not_repeated() {
        let error = parse::<Form>(br#"{"999912345678":1}"#).unwrap_err();
        assert!(!serde_json::to_string(&error.problem("r")).unwrap().contains("9999"));
    }

    #[test]
    fn a_name_that_is_not_ours_is_not_repeated() {
        for body in [r#"{"Taro":1}"#, r#"{"Taro":"Taro"#, r#"{"Taro":{"Taro":]"#] {
            let problem = parse::<Form>(body.as_bytes()).unwrap_err().problem("r");
            assert_eq!(problem.field, None, "{body}");
        }
    }

    #[test]
    fn a_form_is_read_as_it_was_meant() {
        let fields = form_fields(b"a.b=%E6%B8%A1+1%7C&c&=d&&e=f=g").unwrap();
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(fields, [("a.b", "\u{6E21} 1|"), ("c", ""), ("", "d"), ("e", "f=g")]);
        for broken in ["a=%", "a=%4", "a=%zz", "a=%FF", "%C3%28=b"] {
            assert!(form_fields(broken.as_bytes()).is_none(), "{broken}");
        }
    }

    #[test]
    fn text_after_the_document_is_refused() {
        let error = parse::<u8>(b"1 2").unwrap_err();
        assert_eq!(error.kind(), &problems::MALFORMED);
    }
}
