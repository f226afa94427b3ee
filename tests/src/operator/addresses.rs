//! Loopback addresses that nobody else uses.
//!
//! All of 127.0.0.0/8 belongs to this machine. Whoever takes an address holds its UDP port for as
//! long; `PostgreSQL` and `PgBouncer` need the TCP port only, so two sandboxes side by side never
//! hand out the same address, also while nothing listens on it yet.

use std::{
    fs::File,
    io::{self, Read as _},
    net::{Ipv4Addr, TcpListener, UdpSocket},
};

use super::contract::PORT;

/// Addresses tried before giving up; there are millions, so more means that something else is wrong.
const TRIES: usize = 64;

/// Gives out addresses.
#[derive(Debug)]
pub(super) struct Addresses(());

/// An address that is ours until this is dropped.
#[derive(Debug)]
pub(super) struct Address {
    /// The address.
    pub(super) ip: Ipv4Addr,
    _hold: UdpSocket,
}

impl Addresses {
    pub(super) fn new() -> Self {
        Self(())
    }

    /// An address whose port 5432 is free: the wanted one when it is, else any.
    #[expect(
        clippy::unused_self,
        reason = "whoever gives out addresses is handed to them"
    )]
    pub(super) fn take(&self, wanted: Option<Ipv4Addr>) -> io::Result<Address> {
        if let Some(address) = wanted
            .filter(Ipv4Addr::is_loopback)
            .and_then(|ip| hold(ip).ok())
        {
            return Ok(address);
        }
        let mut last = io::Error::other("no loopback address was tried");
        for _ in 0..TRIES {
            let [a, b, c] = random_bytes::<3>()?;
            // 127.0.x.x is left to others: distributions give the host's own name 127.0.1.1.
            let ip = Ipv4Addr::new(127, a.max(1), b, c.clamp(2, 254));
            match hold(ip) {
                Ok(address) => return Ok(address),
                Err(error) => last = error,
            }
        }
        Err(io::Error::new(
            last.kind(),
            format!(
                "no loopback address with a free port {PORT}: {last}; stop what listens on port {PORT} of all addresses (ss -ltnp 'sport = :{PORT}' shows it)"
            ),
        ))
    }
}

fn hold(ip: Ipv4Addr) -> io::Result<Address> {
    let hold = UdpSocket::bind((ip, PORT))?;
    drop(TcpListener::bind((ip, PORT))?);
    Ok(Address { ip, _hold: hold })
}

/// Bytes from the kernel's generator, good enough for passwords.
pub(super) fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Five letters and digits that tell pods apart.
pub(super) fn suffix() -> io::Result<String> {
    // Those that Kubernetes takes: no vowels, so that no words come out.
    const LETTERS: &[u8; 32] = b"bcdfghjklmnpqrstvwxz2456789bcdfg";
    let letters = random_bytes::<5>()?.map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    Ok(letters.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_once_until_it_is_let_go() {
        // Two sandboxes side by side know nothing of each other but this.
        let (one, other) = (Addresses::new(), Addresses::new());
        let taken = one.take(None).unwrap();
        assert_ne!(other.take(Some(taken.ip)).unwrap().ip, taken.ip);
        let ip = taken.ip;
        drop(taken);
        assert_eq!(other.take(Some(ip)).unwrap().ip, ip);
    }

    #[test]
    fn an_address_is_not_given_while_a_stranger_listens_on_it() {
        let addresses = Addresses::new();
        let ip = addresses.take(None).unwrap().ip;
        let stranger = TcpListener::bind((ip, PORT)).unwrap();
        assert_ne!(addresses.take(Some(ip)).unwrap().ip, ip);
        drop(stranger);
    }

    #[test]
    fn only_loopback_addresses_are_given() {
        let wanted = Ipv4Addr::new(192, 0, 2, 1);
        assert!(
            Addresses::new()
                .take(Some(wanted))
                .unwrap()
                .ip
                .is_loopback()
        );
    }
}
