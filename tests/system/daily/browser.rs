//! The page of a disclosure in a real browser: styled under its own policy, on A4, and alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use wire::exports::DISCLOSURES_PAGE;

use super::disclosure_full::{about, live_a_life};
use super::door::Heard;
use super::exports::at_desk;
use crate::support::{World, fresh_number, on_both};

const PATIENCE: Duration = Duration::from_secs(120);

/// A page on a port of its own, as the partition sent it, and what was asked for.
struct Stand {
    url: String,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Stand {
    async fn open(page: &Heard) -> Self {
        let policy = &page.headers["content-security-policy"];
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-security-policy: {policy}\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            page.headers["content-type"],
            page.body.len()
        );
        let answer: Arc<[u8]> = [head.as_bytes(), page.body.as_slice()].concat().into();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&seen)));
            }
        });
        Self { url, asked }
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<[u8]>, seen: Arc<Mutex<BTreeSet<String>>>) {
    let mut request = vec![0; 8_192];
    let length = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let Some(path) = request.split(' ').nth(1) else { return };
    seen.lock().unwrap().insert(path.to_owned());
    let _ = stream.write_all(&answer).await;
}

/// Chromium, by the name it has here.
fn chromium() -> PathBuf {
    let named = std::env::var_os("TEST_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| {
            ["chromium", "chromium-browser", "google-chrome"].map(|n| folder.join(n))
        })
        .find(|program| program.is_file());
    named.or(found).expect("install chromium, as tests/run does, or name one by TEST_CHROMIUM")
}

/// Runs the browser to its end; what it printed comes back.
fn browse(folder: &Path, what: &str, url: &str) -> String {
    let printed = folder.join("printed");
    let mut browser = Command::new(chromium())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .args(["--disable-dev-shm-usage", "--no-pdf-header-footer"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .args([what, url])
        .stdout(std::fs::File::create(&printed).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            browser.kill().unwrap();
            panic!("{what} did not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    std::fs::read_to_string(printed).unwrap()
}

/// A life with everything a page may show, and names as long as they may be.
async fn page(world: &World) -> Heard {
    let number = fresh_number();
    live_a_life(world, number).await;
    let door = at_desk(world, &world.cast.adachi.supervisor).await;
    let mut long = crate::support::dose(3);
    (long.lot, long.maker) = ("W".repeat(60), "製".repeat(60));
    (long.product, long.venue) = (Some("薬".repeat(60)), Some("W".repeat(60)));
    let found = json!({ "individualNumber": about(number)["individualNumber"] });
    let found = door.say(wire::records::RECORDS_FIND, &found).await.good();
    let clerk = at_desk(world, &world.cast.adachi.clerk).await;
    let given = json!({ "subject": found["subject"]["subject"], "vaccination": long });
    clerk.say(wire::partition::VACCINATIONS, &given).await.good();
    door.say(DISCLOSURES_PAGE, &about(number)).await
}

#[test]
fn the_page_is_styled_printed_on_a4_with_its_language_and_asks_for_nothing_else() {
    on_both(async |world| {
        let heard = page(world).await;
        assert_eq!(heard.status, 200, "{heard:?}");
        let stand = Stand::open(&heard).await;
        let folder = tempfile::tempdir().unwrap();
        let (pdf, url) = (folder.path().join("page.pdf"), stand.url.clone());
        let place = folder.path().to_owned();
        let seen = tokio::task::spawn_blocking(move || {
            browse(&place, &format!("--print-to-pdf={}", pdf.display()), &url);
            (std::fs::read(pdf).unwrap(), browse(&place, "--dump-dom", &url))
        });
        let (pdf, dom) = seen.await.unwrap();
        let pdf = String::from_utf8_lossy(&pdf).into_owned();
        // The size is the style's, which the policy lets in by its digest; the browser's own is Letter.
        let sheets = pdf.matches("/MediaBox [0 0 594.95996 841.91998]").count();
        assert!(sheets >= 2, "{sheets} sheets of A4");
        assert_eq!(pdf.matches("/MediaBox").count(), sheets);
        // Read aloud, it is a document in Japanese with headings and tables.
        assert!(pdf.contains("/Lang (ja)") && pdf.contains("/StructTreeRoot"));
        assert!(dom.contains("<h1>予防接種の記録</h1>"), "{dom}");
        assert!(dom.contains("福島県郡山市") && !dom.contains('\u{FFFD}'));
        assert_eq!(dom.matches("<th ").count(), dom.matches("<th scope=\"col\">").count());
        let asked = stand.asked.lock().unwrap().clone();
        let favicon = "/favicon.ico".to_owned();
        assert!(asked.iter().all(|path| path == "/" || *path == favicon), "{asked:?}");
    });
}
