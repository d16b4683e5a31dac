//! How long a line may rest between two requests.
//!
//! The HTTP library times only the first head of a connection, and its idle clock stops at the first
//! byte of the next: whoever then sends half a head would keep the line for ever.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(crate) struct Line {
    socket: TcpStream,
    /// `None` while a request is being answered.
    resting_since: Mutex<Option<Instant>>,
}

/// Every connection of a listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<Weak<Line>>>>);

impl Line {
    pub(crate) fn work(&self) {
        *lock(&self.resting_since) = None;
    }

    pub(crate) fn rest(&self) {
        *lock(&self.resting_since) = Some(Instant::now());
    }
}

impl Lines {
    /// Times a new connection, for as long as somebody holds what is returned.
    pub(crate) fn add(&self, socket: &impl AsFd) -> io::Result<Arc<Line>> {
        let socket = TcpStream::from(socket.as_fd().try_clone_to_owned()?);
        let line = Arc::new(Line { socket, resting_since: Mutex::new(Some(Instant::now())) });
        lock(&self.0).push(Arc::downgrade(&line));
        Ok(line)
    }

    /// Cuts lines that have rested too long, for as long as the service lives.
    pub(crate) async fn follow(self, rest_max: Duration) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.cut(rest_max);
        }
    }

    fn cut(&self, rest_max: Duration) {
        lock(&self.0).retain(|line| {
            let Some(line) = line.upgrade() else { return false };
            let rest = lock(&line.resting_since).map_or(Duration::ZERO, |since| since.elapsed());
            if rest > rest_max {
                // It fails only where the line has ended already.
                let _ = line.socket.shutdown(Shutdown::Both);
            }
            rest <= rest_max
        });
    }
}

/// No code panics while it holds one of these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn only_a_line_that_rests_too_long_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let lines = Lines::default();
        let (mut caller, _busy_caller) = (connect(), connect());
        let [resting, busy] = [(); 2].map(|()| lines.add(&listener.accept().unwrap().0).unwrap());
        busy.work();
        lines.cut(Duration::from_secs(60));
        assert_eq!(lock(&lines.0).len(), 2);

        lines.cut(Duration::ZERO);
        assert_eq!(caller.read(&mut [0]).unwrap(), 0);
        assert_eq!(lock(&lines.0).len(), 1);
        drop((resting, busy));
        lines.cut(Duration::from_secs(60));
        assert!(lock(&lines.0).is_empty());
    }
}
