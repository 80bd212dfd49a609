//! A gateway, as its users see it: one signed request, without a client that would try
//! it again.
//!
//! Must never wait without end for a gateway that accepts connections but does not
//! answer, as they do while the cluster behind them does not serve.

use anyhow::{Context as _, Result, bail};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long a signature holds.
const VALID: Duration = Duration::from_secs(60);

pub struct Door {
    port: u16,
    bucket: AmazonS3,
}

impl Door {
    pub fn new(port: u16, bucket: &str, keys: &Keys) -> Result<Self> {
        let bucket = AmazonS3Builder::new()
            .with_endpoint(endpoint(port))
            .with_allow_http(true)
            .with_region(super::REGION)
            .with_bucket_name(bucket)
            .with_access_key_id(&keys.access)
            .with_secret_access_key(&keys.secret)
            .build()?;
        Ok(Self { port, bucket })
    }

    pub fn create_bucket(&self, limit: Duration) -> Result<()> {
        self.put(&Path::default(), b"", limit)
    }

    pub fn write(&self, key: &str, contents: &[u8], limit: Duration) -> Result<()> {
        self.put(&Path::from(key), contents, limit)
    }

    fn put(&self, key: &Path, contents: &[u8], limit: Duration) -> Result<()> {
        let mut signed = pin!(self.bucket.signed_url(Method::PUT, key, VALID));
        // With keys that are given, there is nothing to wait for.
        let Poll::Ready(url) = signed
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        else {
            bail!("a signature with given keys should not take time");
        };
        let url = url?;
        let head = format!(
            "PUT {}?{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            url.path(),
            url.query().unwrap_or_default(),
            self.port,
            contents.len()
        );
        let status = self
            .ask(&[head.as_bytes(), contents].concat(), limit)
            .with_context(|| format!("{} does not answer", endpoint(self.port)))?;
        match status.split(' ').nth(1) {
            Some("200") => Ok(()),
            _ => bail!("{} answers: {status}", endpoint(self.port)),
        }
    }

    /// The first line of the answer.
    fn ask(&self, request: &[u8], limit: Duration) -> Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        stream.write_all(request)?;
        let mut line = String::new();
        if BufReader::new(stream).read_line(&mut line)? == 0 {
            bail!("it closed the connection");
        }
        Ok(line.trim().to_owned())
    }
}

/// What a user of the gateways is known by.
#[derive(Clone, Default)]
pub struct Keys {
    pub access: String,
    pub secret: String,
}

pub fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
