//! Keeps web pages out: a browser reaches loopback too.
//!
//! Any page may make a browser send requests to 127.0.0.1. Two headers tell those apart that a
//! page cannot forge. `Host` is the name that was dialed: a foreign name that its owner lets point
//! to 127.0.0.1 (DNS rebinding) shows there. `Origin` is the page's own address: a page that was
//! not served from this machine shows there.

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::task::{Context, Poll};

use futures::future::Either;
use jsonrpsee::server::{HttpBody, HttpRequest, HttpResponse};
use tower::{Layer, Service};

/// Lets requests through that come from no web page, or from one of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct GuardLayer;

/// [`GuardLayer`]'s service.
#[derive(Clone, Debug)]
pub(super) struct Guard<S>(S);

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard(inner)
    }
}

impl<S, B> Service<HttpRequest<B>> for Guard<S>
where
    S: Service<HttpRequest<B>, Response = HttpResponse>,
{
    type Response = HttpResponse;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<HttpResponse, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: HttpRequest<B>) -> Self::Future {
        let headers = request.headers();
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        match check(text("host"), text("origin")) {
            Ok(()) => Either::Left(self.0.call(request)),
            Err(refusal) => Either::Right(ready(Ok(refusal.response()))),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Host,
    Origin,
}

impl Refusal {
    fn response(self) -> HttpResponse {
        let text = match self {
            Self::Host => "refused: the Host header must be an IP address or localhost\n",
            Self::Origin => "refused: web pages of other machines may not use this node\n",
        };
        let mut response = HttpResponse::new(HttpBody::from(text));
        *response.status_mut() = http::StatusCode::FORBIDDEN;
        response
    }
}

fn check(host: Option<&str>, origin: Option<&str>) -> Result<(), Refusal> {
    // HTTP/1.0 has no Host, and HTTP/2 another name for it; no browser speaks those here.
    if host.is_some_and(|host| !is_address(host) && !is_local_name(host)) {
        return Err(Refusal::Host);
    }
    let Some(origin) = origin else { return Ok(()) };
    let page = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match page {
        Some(page) if is_loopback(page) || is_local_name(page) => Ok(()),
        // "null" too: files, sandboxed frames and redirects say that.
        Some(_) | None => Err(Refusal::Origin),
    }
}

fn is_address(authority: &str) -> bool {
    address(authority).is_some()
}

fn is_loopback(authority: &str) -> bool {
    address(authority).is_some_and(|address| address.is_loopback())
}

fn is_local_name(authority: &str) -> bool {
    let name = authority.split_once(':').map_or(authority, |(name, _)| name);
    name.eq_ignore_ascii_case("localhost")
}

/// An IP address, with or without a port; an IPv6 one in brackets.
fn address(authority: &str) -> Option<IpAddr> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, _port) = rest.split_once(']')?;
        return address.parse().ok().map(IpAddr::V6);
    }
    let host = authority.split_once(':').map_or(authority, |(host, _)| host);
    host.parse().ok().map(IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_ours_are_refused_as_host() {
        for host in ["127.0.0.1:8545", "localhost", "LocalHost:8545", "[::1]:8545", "192.0.2.7:8545"] {
            assert_eq!(check(Some(host), None), Ok(()), "{host}");
        }
        for host in ["evil.example:8545", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1"] {
            assert_eq!(check(Some(host), None), Err(Refusal::Host), "{host}");
        }
    }

    #[test]
    fn pages_of_other_machines_are_refused_by_origin() {
        let host = Some("127.0.0.1:8545");
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:3000"] {
            assert_eq!(check(host, Some(origin)), Ok(()), "{origin}");
        }
        for origin in ["https://evil.example", "null", "file://", "http://192.0.2.7", "localhost", ""] {
            assert_eq!(check(host, Some(origin)), Err(Refusal::Origin), "{origin}");
        }
    }
}
