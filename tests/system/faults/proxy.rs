//! A line between two services that can be cut at the worst moment.
//!
//! It sees only ciphertext, but it sees turns: hello, handshake, request, answer, request, …

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// When the line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The request never arrives.
    BeforeRequest,
    /// The request arrives and is done; the answer is lost.
    BeforeAnswer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Caller,
    Callee,
}

/// Whose turn it is on one connection, and the how many-th.
struct Turns {
    side: Side,
    count: u32,
}

#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    armed: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    /// Listens on a free port until the tests end.
    pub(super) fn to(callee: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = Self { address, armed: Arc::default() };
        let line = proxy.clone();
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                if let Ok(callee) = TcpStream::connect(callee) {
                    line.join(caller, callee);
                }
            }
        });
        proxy
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Cuts the next request, once.
    pub(super) fn arm(&self, cut: Cut) {
        *lock(&self.armed) = Some(cut);
    }

    /// Whether the cut has happened.
    pub(super) fn has_cut(&self) -> bool {
        lock(&self.armed).is_none()
    }

    fn join(&self, caller: TcpStream, callee: TcpStream) {
        let turns = Arc::new(Mutex::new(Turns { side: Side::Callee, count: 0 }));
        for side in [Side::Caller, Side::Callee] {
            let ends = (caller.try_clone().unwrap(), callee.try_clone().unwrap());
            let (from, to) = if side == Side::Caller { ends } else { (ends.1, ends.0) };
            let (proxy, turns) = (self.clone(), Arc::clone(&turns));
            thread::spawn(move || {
                proxy.carry(side, (&from, &to), &turns);
                let _ = from.shutdown(Shutdown::Both);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }

    /// Carries bytes one way until an end closes or the line is cut.
    fn carry(
        &self,
        side: Side,
        (mut from, mut to): (&TcpStream, &TcpStream),
        turns: &Mutex<Turns>,
    ) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let read = bytes.get(..count).unwrap();
            if self.cuts(side, turns) || to.write_all(read).is_err() {
                return;
            }
        }
    }

    /// The handshake takes two turns, and its end may share the third with the first request.
    fn cuts(&self, side: Side, turns: &Mutex<Turns>) -> bool {
        let mut turns = lock(turns);
        if turns.side != side {
            *turns = Turns { side, count: turns.count + 1 };
        }
        let cut = match side {
            Side::Caller if turns.count >= 3 => Cut::BeforeRequest,
            Side::Callee if turns.count >= 4 => Cut::BeforeAnswer,
            _ => return false,
        };
        lock(&self.armed).take_if(|armed| *armed == cut).is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
