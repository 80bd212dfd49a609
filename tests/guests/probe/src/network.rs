//! Trying to reach the network, which a guest is not given.
//!
//! In a component this calls WASI itself: the standard library's sockets need a
//! C library that has them, and not every way to build a guest comes with one.

use std::io;

/// Connects to `address` (`host:port`), and says to whom.
#[cfg(target_os = "wasi")]
pub fn connect(address: &str) -> io::Result<String> {
    use std::net::{IpAddr, SocketAddr};
    use wasip2::sockets::instance_network::instance_network;
    use wasip2::sockets::ip_name_lookup::resolve_addresses;
    use wasip2::sockets::network::{
        ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
    };
    use wasip2::sockets::tcp_create_socket::create_tcp_socket;

    let refused = |code: ErrorCode| io::Error::other(format!("{code:?}"));
    let network = instance_network();
    let (ip, port) = match address
        .parse::<SocketAddr>()
        .map(|address| (address.ip(), address.port()))
    {
        Ok((IpAddr::V4(ip), port)) => (ip, port),
        _ => {
            let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
            let addresses = resolve_addresses(&network, host).map_err(refused)?;
            loop {
                match addresses.resolve_next_address() {
                    Err(ErrorCode::WouldBlock) => addresses.subscribe().block(),
                    Err(code) => return Err(refused(code)),
                    Ok(found) => return Ok(format!("{found:?}")),
                }
            }
        }
    };
    let [a, b, c, d] = ip.octets();
    let remote = IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port,
        address: (a, b, c, d),
    });
    let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(refused)?;
    socket.start_connect(&network, remote).map_err(refused)?;
    loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => socket.subscribe().block(),
            Err(code) => return Err(refused(code)),
            Ok(_streams) => return Ok(address.to_owned()),
        }
    }
}

#[cfg(not(target_os = "wasi"))]
pub fn connect(address: &str) -> io::Result<String> {
    let stream = std::net::TcpStream::connect(address)?;
    Ok(stream.peer_addr()?.to_string())
}
