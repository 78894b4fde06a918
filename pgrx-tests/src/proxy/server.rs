//! The proxy's HTTP side.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{Action, Call, Reply, State};
use crate::{Error, Result};

/// Why a connection is closed without an answer, or before its end.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("closed, as the test's rule says")]
    Wanted,
    #[error("reading the caller or the cloud: {0}")]
    Http(#[from] hyper::Error),
    #[error("reaching the cloud: {0}")]
    Io(#[from] std::io::Error),
    #[error("an answer that is none: {0}")]
    Malformed(#[from] hyper::http::Error),
    #[error("the proxy is being stopped")]
    Stopped(#[from] tokio::task::JoinError),
}

/// Starts the thread that serves, until the sender of `stopped` is dropped.
pub(super) fn start(
    state: Arc<State>,
    stopped: oneshot::Receiver<()>,
) -> Result<(SocketAddr, JoinHandle<()>)> {
    let failed = |source| Error::Io {
        path: "the fault proxy".into(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let thread = thread::Builder::new()
        .name("fault proxy".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    never = accept(listener, state) => match never {},
                }
            });
        });
    Ok((address, thread.map_err(failed)?))
}

async fn accept(listener: TcpListener, state: Arc<State>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                // In a task of its own: what was received is carried out even if the caller does not wait for it.
                let handled = tokio::spawn(handle(Arc::clone(&state), request));
                async move { handled.await? }
            });
            // An error here is a connection that was cut, by the caller or by the rule.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Sent>, Closed> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let call = Call::read(head.uri.path(), &head.headers, &body);
    let (call, action) = state.admit(call);
    let forward = || forward(&state, &call, head, body);
    match action {
        Action::Forward => Ok(forward().await?.map(Sent::whole)),
        Action::Delay(time) => {
            tokio::time::sleep(time).await;
            Ok(forward().await?.map(Sent::whole))
        }
        Action::Reply(reply) => Ok(answer(reply)?.map(Sent::whole)),
        Action::DropBefore => Err(Closed::Wanted),
        Action::LoseReply => {
            forward().await?;
            Err(Closed::Wanted)
        }
        Action::ResetMidBody => Ok(forward().await?.map(Sent::half)),
        Action::HoldBefore(gate) => {
            gate.pass().await;
            Ok(forward().await?.map(Sent::whole))
        }
        Action::HoldAndDrop(gate) => {
            gate.pass().await;
            Err(Closed::Wanted)
        }
        Action::HoldAfter(gate) => {
            let response = forward().await?;
            gate.pass().await;
            Ok(response.map(Sent::whole))
        }
        Action::Alter(alteration) => {
            let reply = alteration.of(reply(forward().await?));
            Ok(answer(reply)?.map(Sent::whole))
        }
    }
}

async fn forward(
    state: &State,
    call: &Call,
    head: Parts,
    body: Bytes,
) -> Result<Response<Bytes>, Closed> {
    let stream = TcpStream::connect(&state.upstream).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Its errors come out of `send_request` too.
    tokio::spawn(async { connection.await.ok() });
    state.note(call, |call| call.forwarded = true);
    let response = sender
        .send_request(Request::from_parts(head, Full::new(body)))
        .await?;
    let (mut head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    state.note(call, |call| call.status = Some(head.status.as_u16()));
    // They describe the connection to the cloud; this side has its own.
    for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
        head.headers.remove(name);
    }
    Ok(Response::from_parts(head, body))
}

/// The cloud's answer as tests see it.
fn reply(response: Response<Bytes>) -> Reply {
    let (head, body) = response.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Reply {
        status: head.status.as_u16(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.into(),
    }
}

fn answer(reply: Reply) -> Result<Response<Bytes>, Closed> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(reply.body.into())?)
}

/// The body of an answer: all of it, or a half that ends in a closed connection.
struct Sent {
    announced: usize,
    remaining: Option<Bytes>,
    /// What was sent before must have left before the connection is closed.
    cut: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Sent {
    fn whole(body: Bytes) -> Self {
        Self {
            announced: body.len(),
            remaining: Some(body),
            cut: None,
        }
    }

    fn half(body: Bytes) -> Self {
        let pause = tokio::time::sleep(Duration::from_millis(50));
        Self {
            announced: body.len(),
            remaining: Some(body.slice(..body.len() / 2)),
            cut: Some(Box::pin(pause)),
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        if let Some(bytes) = self.remaining.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.cut {
            None => Poll::Ready(None),
            Some(pause) => {
                ready!(pause.as_mut().poll(context));
                Poll::Ready(Some(Err(Closed::Wanted)))
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced as u64)
    }
}
