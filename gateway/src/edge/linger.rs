//! Takes in what a client still sends of a body that nobody will read.
//!
//! An answer may be given before the whole body has come. Closing the connection then, with bytes unread, resets it, and a client
//! that reads only after it has written everything never sees the answer (RFC 9112, 9.6).

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Version, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt;
use hyper::body::{Frame, SizeHint};

/// A client that sends for longer is cut off.
const LONGEST: Duration = Duration::from_secs(10);

/// Lets the handler have the body, and reads on when the handler drops it early.
pub async fn linger(request: Request, next: Next) -> Response {
    // HTTP/2 ends a stream without ending its connection.
    if request.version() >= Version::HTTP_2 {
        return next.run(request).await;
    }
    // Whoever waits to be asked has sent nothing yet, and to read would be to ask.
    let waits = request.headers().contains_key(header::EXPECT);
    let request = request.map(|body| Body::new(Lingering { body: Some(body), sending: !waits }));
    next.run(request).await
}

struct Lingering {
    /// Until its end was seen.
    body: Option<Body>,
    /// Whether the client sends without being asked, or was asked.
    sending: bool,
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.sending = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| self.sending && !body.is_end_stream()) else { return };
        // Beside the answer, which is written meanwhile. At the end of the process there is nobody left to read for.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LONGEST, read_on(body)));
        }
    }
}

async fn read_on(body: Body) {
    let mut pieces = body.into_data_stream();
    while let Some(Ok(_)) = pieces.next().await {}
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::middleware::from_fn;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::linger;

    /// Connected to a server that refuses every body unread.
    async fn client() -> TcpStream {
        let router = Router::new().route("/", post(async || StatusCode::PAYLOAD_TOO_LARGE)).layer(from_fn(linger));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        TcpStream::connect(address).await.expect("a connection")
    }

    async fn answer(client: &mut TcpStream) -> String {
        let mut start = [0; 12];
        client.read_exact(&mut start).await.expect("an answer");
        String::from_utf8_lossy(&start).into_owned()
    }

    #[tokio::test]
    async fn a_client_that_writes_everything_first_still_reads_the_answer() {
        let mut client = client().await;
        // More than the buffers of both ends hold.
        let body = vec![b'x'; 32 << 20];

        client.write_all(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes()).await.expect("a head");
        client.write_all(&body).await.expect("the body is taken in");

        assert_eq!(answer(&mut client).await, "HTTP/1.1 413");
    }

    #[tokio::test]
    async fn a_client_that_waits_to_be_asked_is_not_asked() {
        let mut client = client().await;

        client.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n").await.expect("a head");

        assert_eq!(answer(&mut client).await, "HTTP/1.1 413");
    }
}
