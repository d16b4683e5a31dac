use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, StreamOwned};

/// One connection, and every byte on it in our hand.
pub(super) struct WireEnd(StreamOwned<ClientConnection, TcpStream>);

/// What came until the other end closed, and after how long.
pub(super) struct Closed {
    pub(super) received: String,
    pub(super) after: Duration,
}

/// Nothing is waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("https://").unwrap().parse().unwrap()
}

pub(super) fn connect(url: &str) -> TcpStream {
    let stream = TcpStream::connect(address_of(url)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Reads until the other end closes; fails if it does not.
pub(super) fn read_to_close(stream: &mut impl std::io::Read) -> Closed {
    let (begun, mut received, mut buffer) = (Instant::now(), Vec::new(), [0; 4_096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("not closed within {PATIENCE:?}")
            }
            Err(_) => break,
        }
    }
    let received = String::from_utf8_lossy(&received).into_owned();
    Closed { received, after: begun.elapsed() }
}

impl WireEnd {
    pub(super) fn connect(credentials: ClientConfig, url: &str) -> Self {
        let name = ServerName::from(address_of(url).ip());
        let session = ClientConnection::new(Arc::new(credentials), name).unwrap();
        let mut end = Self(StreamOwned::new(session, connect(url)));
        while end.0.conn.is_handshaking() {
            end.0.conn.complete_io(&mut end.0.sock).unwrap();
        }
        end
    }

    pub(super) fn protocol(&self) -> ProtocolVersion {
        self.0.conn.protocol_version().unwrap()
    }

    pub(super) fn send(&mut self, text: &str) {
        self.try_send(text).unwrap();
    }

    pub(super) fn try_send(&mut self, text: &str) -> std::io::Result<()> {
        self.0.write_all(text.as_bytes())?;
        self.0.flush()
    }

    pub(super) fn read_to_close(&mut self) -> Closed {
        read_to_close(&mut self.0)
    }

    /// Sends a whole request and reads its answer, whose length it must tell.
    pub(super) fn ask(&mut self, request: &str) -> std::io::Result<String> {
        self.try_send(request)?;
        let mut answer = String::new();
        let mut buffer = [0; 4_096];
        while !is_whole(&answer) {
            match self.0.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => answer.push_str(&String::from_utf8_lossy(&buffer[..count])),
            }
        }
        Ok(answer)
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}
