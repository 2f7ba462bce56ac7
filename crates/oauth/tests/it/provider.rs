//! A provider of the test's own: answers as it was told, and remembers what it was asked.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub head: String,
    pub form: HashMap<String, String>,
}

/// What is written back: a whole HTTP answer, or nothing for ever.
#[derive(Clone, Debug)]
pub enum Says {
    Answer { status: u16, headers: String, body: String },
    Silence,
}

type Script = Arc<dyn Fn(&Asked, usize) -> Says + Send + Sync>;

pub struct Provider {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<Script>>,
}

impl Says {
    pub fn json(status: u16, body: &str) -> Self {
        let headers = "content-type: application/json\r\n".to_owned();
        Says::Answer { status, headers, body: body.to_owned() }
    }

    /// A pair of tokens: `access-N`, `refresh-N`.
    pub fn tokens(n: usize, expires_in: u64) -> Self {
        Says::json(
            200,
            &format!(
                r#"{{"access_token":"access-{n}","token_type":"Bearer","expires_in":{expires_in},"refresh_token":"refresh-{n}"}}"#
            ),
        )
    }
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(|_, n| Says::tokens(n, 3_600))));
        let (noted, plan) = (asked.clone(), script.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, noted.clone(), plan.clone()));
            }
        });
        Self { address, asked, script }
    }

    /// What it says from now on; the number counts the requests to this path, from 1.
    pub fn says(&self, script: impl Fn(&Asked, usize) -> Says + Send + Sync + 'static) {
        *self.script.lock() = Arc::new(script);
    }

    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().iter().filter(|asked| asked.path == path).cloned().collect()
    }
}

async fn answer(mut stream: TcpStream, noted: Arc<Mutex<Vec<Asked>>>, plan: Arc<Mutex<Script>>) {
    let Some(asked) = read(&mut stream).await else { return };
    let count = {
        let mut noted = noted.lock();
        noted.push(asked.clone());
        noted.iter().filter(|other| other.path == asked.path).count()
    };
    let script = plan.lock().clone();
    match script(&asked, count) {
        Says::Silence => std::future::pending().await,
        Says::Answer { status, headers, body } => {
            let length = body.len();
            let text =
                format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
            let _ = stream.write_all(text.as_bytes()).await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let path = head.split(' ').nth(1)?.to_owned();
                let form = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                return Some(Asked { path, head: head.to_owned(), form });
            }
        }
        let mut more = [0; 4_096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&more[..read]),
        }
    }
}
