use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use wire::tls::{TlsFiles, TlsIdentity};

use super::line::{Answer, Line};
use crate::support::RUNTIME;

/// Stands where a service is expected, with that service's certificate or another, hands on what it
/// hears, and remembers it.  Its thread ends with the tests.
pub(super) struct GoBetween {
    pub(super) url: String,
    heard: Arc<Mutex<Vec<Exchange>>>,
}

/// A request and its answer as they were on the line.
#[derive(Clone)]
pub(super) struct Exchange {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    pub(super) answer: Answer,
}

impl GoBetween {
    pub(super) fn start(certificate: &TlsFiles, onward: Line) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let config = Arc::new(TlsIdentity::load(certificate).unwrap().server_config().unwrap());
        let (onward, heard) = (Arc::new(onward), Arc::default());
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, onward) = (Arc::clone(&config), Arc::clone(&onward));
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || serve(stream, config, &onward, &heard));
            }
        });
        Self { url, heard: kept }
    }

    /// What was heard since the last look.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

/// Answers requests until the caller goes away or shows that it is somebody else's.
fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    onward: &Line,
    heard: &Mutex<Vec<Exchange>>,
) -> Option<()> {
    let session = ServerConnection::new(config).ok()?;
    let mut stream = StreamOwned::new(session, stream);
    let mut received = Vec::new();
    loop {
        let (head, body) = read_request(&mut stream, &mut received)?;
        let mut words = head.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        let answer = RUNTIME.handle().block_on(onward.call((method, path), None, &body)).ok()?;
        let text = format!(
            "HTTP/1.1 {} \r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            answer.status,
            answer.body.len()
        );
        heard.lock().unwrap().push(Exchange { head, body, answer: answer.clone() });
        stream.write_all(text.as_bytes()).ok()?;
        stream.write_all(&answer.body).ok()?;
        stream.flush().ok()?;
    }
}

fn read_request(
    stream: &mut StreamOwned<ServerConnection, TcpStream>,
    received: &mut Vec<u8>,
) -> Option<(String, Vec<u8>)> {
    let mut buffer = [0; 4_096];
    loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end + 4].to_vec()).ok()?;
            let length = head.to_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length: ").and_then(|text| text.parse::<usize>().ok())
            });
            let whole = end + 4 + length.unwrap_or(0);
            if received.len() >= whole {
                let body = received[end + 4..whole].to_vec();
                received.drain(..whole);
                return Some((head, body));
            }
        }
        match stream.read(&mut buffer).ok()? {
            0 => return None,
            count => received.extend_from_slice(&buffer[..count]),
        }
    }
}
