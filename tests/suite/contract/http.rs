//! One HTTP request, sent as a scenario writes it: no path is tidied and no header added but `Host`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use millstream_testbed::{Answer, Context, Error, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::tls;

// Java gives its own requests 90 seconds.
const LIMIT: Duration = Duration::from_secs(100);

/// Sends a request over a connection of its own. The address is `host:port`, after `https://` if it is to be that.
pub async fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: Option<String>,
) -> Result<Answer> {
    let doing = format!("{method} {address}{path}");
    let sent = tokio::time::timeout(LIMIT, exchange(address, method, path, headers, body.unwrap_or_default()));
    match sent.await {
        Ok(answer) => answer.context(doing),
        Err(_) => Err(Error::new(format!("{doing}: no answer within {LIMIT:?}"))),
    }
}

async fn exchange(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: String,
) -> Result<Answer> {
    let (https, address) = match address.strip_prefix("https://") {
        Some(address) => (true, address),
        None => (false, address.trim_start_matches("http://")),
    };
    let mut request = hyper::Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("Host", address);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(body)))?;
    match https {
        true => over(tls::connect(address).await?, request).await,
        false => over(TcpStream::connect(address).await?, request).await,
    }
}

async fn over<S>(stream: S, request: hyper::Request<Full<Bytes>>) -> Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
