//! An OTLP receiver that keeps what it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Head and body of a request.
type Posted = (String, Vec<u8>);

/// Everything that was posted.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    kept: Arc<Mutex<Vec<Posted>>>,
}

/// A span as far as this test reads it.
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) trace: Vec<u8>,
    /// Everything about it, undecoded.
    pub(crate) bytes: Vec<u8>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), kept: Arc::default() };
        let ours = receiver.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let receiver = ours.clone();
                std::thread::spawn(move || receiver.serve(connection));
            }
        });
        receiver
    }

    /// Headers and bodies of all requests so far.
    pub(crate) fn raw(&self) -> Vec<u8> {
        let kept = self.kept.lock().unwrap();
        kept.iter().flat_map(|(head, body)| [head.as_bytes(), body].concat()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let kept = self.kept.lock().unwrap();
        let traces = kept.iter().filter(|(head, _)| head.starts_with("POST /v1/traces"));
        traces.flat_map(|(_, body)| spans(body)).collect()
    }

    fn serve(&self, connection: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(connection.try_clone().ok()?);
        loop {
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            self.kept.lock().unwrap().push((head, body));
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\
                          Content-Length: 0\r\n\r\n";
            (&connection).write_all(answer.as_bytes()).ok()?;
        }
    }
}

/// ExportTraceServiceRequest { 1: ResourceSpans { 1: Resource, 2: ScopeSpans { 2: Span } } }.
fn spans(body: &[u8]) -> Vec<Span> {
    let mut spans = Vec::new();
    for resource_spans in all(body, 1) {
        let resources = all(resource_spans, 1);
        let service = resources.iter().find_map(|resource| service_name(resource));
        for span in all(resource_spans, 2).into_iter().flat_map(|scope| all(scope, 2)) {
            let trace = all(span, 1).concat();
            let service = service.clone().unwrap_or_default();
            spans.push(Span { service, trace, bytes: span.to_vec() });
        }
    }
    spans
}

/// Resource { 1: KeyValue { 1: key, 2: AnyValue { 1: text } } }.
fn service_name(resource: &[u8]) -> Option<String> {
    let attributes = all(resource, 1);
    let named = attributes.into_iter().find(|one| all(one, 1).concat() == b"service.name")?;
    let value = all(named, 2).into_iter().flat_map(|value| all(value, 1)).next()?;
    String::from_utf8(value.to_vec()).ok()
}

/// The length-delimited fields of a message that have this number.
fn all(message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let (mut rest, mut found) = (message, Vec::new());
    while let Some(tag) = varint(&mut rest) {
        let skipped = match tag & 7 {
            0 => varint(&mut rest).map(|_| 0),
            1 => Some(8),
            2 => varint(&mut rest).and_then(|length| usize::try_from(length).ok()),
            5 => Some(4),
            _ => None,
        };
        let Some((field, after)) = skipped.and_then(|length| rest.split_at_checked(length)) else {
            break;
        };
        if tag & 7 == 2 && tag >> 3 == wanted {
            found.push(field);
        }
        rest = after;
    }
    found
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
