//! A server that answers as a test wants, and remembers what came in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the server answers one request.
#[derive(Clone)]
pub enum Reply {
    Status(u16),
    With(u16, String),
    /// Takes the request and says nothing.
    Silence,
    /// Says that all is well, and then talks without end.
    Endless,
}

/// What came in.
#[derive(Clone)]
pub struct Received {
    pub head: String,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim())
    }
}

/// A server on loopback that follows a script, the last reply for ever.
pub struct Server {
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let reply = replies[usize::min(number, replies.len() - 1)].clone();
                tokio::spawn(serve(stream, reply, Arc::clone(&kept)));
            }
        });
        Self { port, received }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, received: Arc<Mutex<Vec<Received>>>) {
    let mut bytes = Vec::new();
    let head_end = loop {
        let mut buffer = [0; 4_096];
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        bytes.extend_from_slice(&buffer[..read]);
        match bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            Some(end) => break end + 4,
            None if read == 0 => return,
            None => {}
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut request = Received { head, body: bytes.split_off(head_end) };
    let length: usize = request.header("content-length").parse().unwrap();
    while request.body.len() < length {
        let mut buffer = [0; 4_096];
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        request.body.extend_from_slice(&buffer[..read]);
    }
    received.lock().unwrap().push(request);
    match reply {
        Reply::Status(status) => answer(&mut stream, status, "").await,
        Reply::With(status, headers) => answer(&mut stream, status, &headers).await,
        Reply::Silence => tokio::time::sleep(Duration::from_secs(60)).await,
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            while stream.write_all(format!("1000\r\n{}\r\n", "a".repeat(4_096)).as_bytes()).await.is_ok() {}
        }
    }
}

async fn answer(stream: &mut TcpStream, status: u16, headers: &str) {
    let _ = stream.write_all(format!("HTTP/1.1 {status} Whatever\r\n{headers}content-length: 2\r\n\r\nok").as_bytes()).await;
}
