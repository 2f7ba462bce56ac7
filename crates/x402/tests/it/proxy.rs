//! A TCP proxy before a node that loses broadcasts, or their answers, when it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

/// What happens to broadcasts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None = 0,
    /// The connection is cut before the node sees them.
    LoseRequests = 1,
    /// The node does what it is told, and the connection is cut before it can say so.
    LoseAnswers = 2,
}

/// The proxy; it ends with the test's runtime.
pub struct Proxy {
    pub port: u16,
    fault: Arc<AtomicU8>,
}

impl Proxy {
    pub async fn start(node: &Url) -> Self {
        Self::start_at(node, 0).await
    }

    /// The same on a port that is known before.
    pub async fn start_at(node: &Url, port: u16) -> Self {
        let target = format!("127.0.0.1:{}", node.port().unwrap());
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(AtomicU8::new(0));
        let of_task = fault.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (target, fault) = (target.clone(), of_task.clone());
                tokio::spawn(async move { drop(pass(client, &target, &fault).await) });
            }
        });
        Self { port, fault }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

async fn pass(mut client: TcpStream, target: &str, fault: &AtomicU8) -> std::io::Result<()> {
    let mut node = TcpStream::connect(target).await?;
    let (mut request, mut answer) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut lose = false;
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let bytes = &request[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                let broadcasts = bytes.windows(22).any(|window| window == b"eth_sendRawTransaction");
                let fault = if broadcasts { fault.load(Ordering::SeqCst) } else { 0 };
                if fault == Fault::LoseRequests as u8 {
                    return Ok(());
                }
                lose = fault == Fault::LoseAnswers as u8;
                node.write_all(bytes).await?;
            }
            read = node.read(&mut answer) => {
                let bytes = &answer[..read?];
                if bytes.is_empty() || lose {
                    return Ok(());
                }
                client.write_all(bytes).await?;
            }
        }
    }
}
