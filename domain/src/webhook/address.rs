//! Where an address that a tenant chose may lead: the pure half of the guard against server-side request forgery (SSRF).
//!
//! A name may resolve differently a second later. So [`check`] runs when an address is registered and again before every connection,
//! and [`all_permitted`] runs on what the name resolved to; the connection then goes to one of exactly those addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, ParseError, Url};

/// The longest address that is accepted, in characters, before and after percent-encoding.
pub const MAX_LENGTH: usize = 2_048;

/// IPv4 networks that no tenant may reach: IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its successors), multicast (RFC 5771).
/// The three anycast services in it (AS112, AMT) count as globally reachable there, but nobody receives webhooks on them.
const SPECIAL_V4: [Ipv4Net; 18] = [
    v4(0, 0, 0, 0, 8),       // this network, RFC 791
    v4(10, 0, 0, 0, 8),      // private use, RFC 1918
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT, RFC 6598
    v4(127, 0, 0, 0, 8),     // loopback, RFC 1122
    v4(169, 254, 0, 0, 16),  // link-local with the clouds' metadata services, RFC 3927
    v4(172, 16, 0, 0, 12),   // private use, RFC 1918
    v4(192, 0, 0, 0, 24),    // IETF protocol assignments, RFC 6890
    v4(192, 0, 2, 0, 24),    // documentation, RFC 5737
    v4(192, 31, 196, 0, 24), // AS112, RFC 7535
    v4(192, 52, 193, 0, 24), // AMT, RFC 7450
    v4(192, 88, 99, 0, 24),  // 6to4 relays, deprecated by RFC 7526
    v4(192, 168, 0, 0, 16),  // private use, RFC 1918
    v4(192, 175, 48, 0, 24), // AS112, RFC 7534
    v4(198, 18, 0, 0, 15),   // benchmarking, RFC 2544
    v4(198, 51, 100, 0, 24), // documentation, RFC 5737
    v4(203, 0, 113, 0, 24),  // documentation, RFC 5737
    v4(224, 0, 0, 0, 4),     // multicast, RFC 5771
    v4(240, 0, 0, 0, 4),     // reserved, RFC 1112, with the limited broadcast, RFC 8190
];

/// The only IPv6 space from which global unicast addresses are given out (IANA IPv6 Global Unicast Address Space, RFC 4291). All that lies
/// outside is refused, and with it `::`, `::1`, 64:ff9b::/96, 64:ff9b:1::/48, 100::/64, 5f00::/16, fc00::/7, fe80::/10, fec0::/10 and ff00::/8.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// IPv6 networks inside [`GLOBAL_V6`] that no tenant may reach: IANA IPv6 Special-Purpose Address Registry (RFC 6890 and its successors).
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),         // IETF protocol assignments with Teredo, benchmarking and ORCHID, RFC 2928
    v6(0x2001, 0xdb8, 0, 32),     // documentation, RFC 3849
    v6(0x2002, 0, 0, 16),         // 6to4, RFC 3056
    v6(0x2620, 0x4f, 0x8000, 48), // AS112, RFC 7534
    v6(0x3fff, 0, 0, 20),         // documentation, RFC 9637
];

/// Names that never belong to a host on the public internet: IANA Special-Use Domain Names (RFC 6761; `local` RFC 6762, `onion` RFC 7686,
/// `home.arpa` RFC 8375, `alt` RFC 9476), and `internal`, which ICANN reserved for private use in 2024.
const SPECIAL_NAMES: [&str; 9] = ["localhost", "local", "internal", "home.arpa", "onion", "invalid", "test", "example", "alt"];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// What the operator of this installation lets tenants reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Networks that may be reached although the registries call them special, such as the receiver's private network.
    /// An IPv4 network is written as IPv4: IPv4-mapped IPv6 addresses are unwrapped before they are compared.
    pub allowed: Vec<IpNet>,
    /// Ports that may be reached; also those of `http://`.
    pub ports: Vec<u16>,
    /// For development machines only: accepts `http://`, bare host names and special-use names such as `localhost`.
    /// What these names resolve to must still be permitted, so loopback has to be listed in `allowed` as well.
    pub plain_http: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { allowed: Vec::new(), ports: vec![443, 8443], plain_http: false }
    }
}

/// An address that passed [`check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The normalised address. Keep and call this one: the text that it came from may mean something else to another parser.
    pub url: Url,
    /// A literal that is permitted, or a name whose addresses have yet to pass [`all_permitted`].
    /// HTTP clients skip their resolver for literals, so a check in the resolver alone would miss those.
    pub host: Host,
    /// Named or implied by the scheme.
    pub port: u16,
}

/// Why an address was refused. The messages are written for the tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not an absolute URL, or one that parsers read differently.
    #[error("write a complete address such as https://hooks.example.com/path, without spaces, line breaks or backslashes")]
    NotAUrl,
    /// Neither `https` nor, where the operator allows it, `http`.
    #[error("start the address with https://")]
    Scheme,
    /// A user name or a password, or an `@` that looks like one.
    #[error("remove the user name, the password and the @ before the host")]
    Userinfo,
    /// A part after `#`, which is never sent.
    #[error("remove the # and all that follows it")]
    Fragment,
    /// No host, one that cannot be in the public DNS, or one that is set aside for special use.
    #[error("name a host in the public DNS, such as hooks.your-company.com")]
    Host,
    /// A port that is not on the operator's list.
    #[error("use one of the ports that are allowed: {}", join(allowed))]
    Port {
        /// The operator's list.
        allowed: Vec<u16>,
    },
    /// A literal in a network that is not globally reachable.
    #[error("use a public address: {address} is private, local or reserved")]
    Address {
        /// The literal, however it was spelt.
        address: IpAddr,
    },
    /// More than [`MAX_LENGTH`] characters.
    #[error("shorten the address to at most {MAX_LENGTH} characters, percent-encoding included")]
    TooLong,
}

impl Refusal {
    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAUrl => "not_a_url",
            Self::Scheme => "scheme",
            Self::Userinfo => "userinfo",
            Self::Fragment => "fragment",
            Self::Host => "host",
            Self::Port { .. } => "port",
            Self::Address { .. } => "address",
            Self::TooLong => "too_long",
        }
    }
}

/// Neighbours as a range: an operator may allow thousands.
fn join(ports: &[u16]) -> String {
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let ranges = sorted.chunk_by(|one, next| *one + 1 == *next).filter_map(|range| Some((range.first()?, range.last()?)));
    let words = ranges.map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") });
    words.collect::<Vec<_>>().join(", ")
}

/// Reads an address that a tenant chose, as the WHATWG URL Standard does: a host in decimal, octal, hexadecimal, full-width or
/// percent-encoded spelling is first brought into its one normal form, and then judged by [`permitted`] or as a name (RFC 6761).
pub fn check(text: &str, rules: &Rules) -> Result<Target, Refusal> {
    if text.chars().take(MAX_LENGTH + 1).count() > MAX_LENGTH {
        return Err(Refusal::TooLong);
    }
    // The standard drops tabs and line breaks and takes a backslash for a slash. Other parsers do not, and such gaps are what attacks live on.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(Refusal::NotAUrl);
    }
    let url = Url::parse(text).map_err(|error| match error {
        ParseError::InvalidPort => Refusal::Port { allowed: rules.ports.clone() },
        ParseError::EmptyHost
        | ParseError::IdnaError
        | ParseError::InvalidDomainCharacter
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address => Refusal::Host,
        _ => Refusal::NotAUrl,
    })?;
    if !(url.scheme() == "https" || rules.plain_http && url.scheme() == "http") {
        return Err(Refusal::Scheme);
    }
    // The standard also reads `https:name` and `https:////name`, and it forgets an empty user name: look at the text itself.
    let rest = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://")).ok_or(Refusal::NotAUrl)?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') || !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Userinfo);
    }
    if authority.is_empty() {
        return Err(Refusal::Host);
    }
    if url.fragment().is_some() {
        return Err(Refusal::Fragment);
    }
    if url.as_str().len() > MAX_LENGTH {
        return Err(Refusal::TooLong);
    }
    let host = url.host().ok_or(Refusal::Host)?.to_owned();
    let literal = match &host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        Host::Domain(name) if well_formed(name) && (rules.plain_http || public_name(name)) => None,
        Host::Domain(_) => return Err(Refusal::Host),
    };
    if let Some(address) = literal.filter(|address| !permitted(*address, rules)) {
        return Err(Refusal::Address { address });
    }
    let port = url
        .port_or_known_default()
        .filter(|port| rules.ports.contains(port))
        .ok_or_else(|| Refusal::Port { allowed: rules.ports.clone() })?;
    Ok(Target { url, host, port })
}

/// Fits into the DNS (RFC 1035). The parser lets through empty labels and most punctuation, with which resolvers do as they please.
fn well_formed(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// More than one label, and not below a special-use name. The parser has already made it lower-case ASCII.
fn public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let below = |special: &str| name.strip_suffix(special).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !SPECIAL_NAMES.into_iter().any(below)
}

/// Whether a connection to this address may be made: it is globally reachable by the IANA IPv4 and IPv6 Special-Purpose Address Registries
/// (RFC 6890), or the operator allows its network.
///
/// An IPv4-mapped address (::ffff:0:0/96) is judged as the IPv4 address inside, since that is where the system connects to.
/// The other forms that carry an IPv4 address (NAT64, IPv4-compatible, 6to4) are refused even around a public one. Where the operator allows
/// such a network, as behind a NAT64 translator, the address inside must be permitted as well: it is where the packets end up.
pub fn permitted(address: IpAddr, rules: &Rules) -> bool {
    let address = address.to_canonical();
    let allowed = rules.allowed.iter().any(|network| network.contains(&address));
    match address {
        IpAddr::V4(address) => allowed || !SPECIAL_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => match carried(address) {
            Some(inner) => allowed && permitted(IpAddr::V4(inner), rules),
            None => allowed || GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|network| network.contains(&address)),
        },
    }
}

/// Whether all that a name resolved to may be connected to. One special address spoils the whole answer, since it has no business in a
/// public name; and an empty answer permits nothing.
pub fn all_permitted(addresses: &[IpAddr], rules: &Rules) -> bool {
    !addresses.is_empty() && addresses.iter().all(|address| permitted(*address, rules))
}

/// The IPv4 address to which a translator or a tunnel would pass this one on: NAT64 (64:ff9b::/96, RFC 6052), IPv4-compatible (::/96,
/// RFC 4291, apart from `::` and `::1`) and 6to4 (2002::/16, RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Hostile spellings and the code that each must be refused with.
    const HOSTILE: &[(&str, &str)] = &[
        // Loopback.
        ("https://127.0.0.1/", "address"),
        ("https://127.0.0.1./", "address"),
        ("https://127.255.255.254/", "address"),
        ("https://2130706433/", "address"),
        ("https://0177.0.0.1/", "address"),
        ("https://00000000177.0.0.1/", "address"),
        ("https://017700000001/", "address"),
        ("https://0x7f.1/", "address"),
        ("https://0x7F000001/", "address"),
        ("https://0x7f.0x0.0x0.0x1/", "address"),
        ("https://127.1/", "address"),
        ("https://127.0.1:8443/", "address"),
        ("HTTPS://127.1", "address"),
        ("https://[::1]/", "address"),
        ("https://[0:0:0:0:0:0:0:1]:443/", "address"),
        ("https://[::ffff:127.0.0.1]/", "address"),
        ("https://[::ffff:7f00:1]/", "address"),
        ("https://[0:0:0:0:0:FFFF:7F00:0001]/", "address"),
        ("https://[::127.0.0.1]/", "address"),
        ("https://[::ffff:0:127.0.0.1]/", "address"),
        ("https://[64:ff9b::7f00:1]/", "address"),
        ("https://[64:ff9b::127.0.0.1]/", "address"),
        ("https://[64:ff9b::8.8.8.8]/", "address"),
        ("https://[64:ff9b:1::7f00:1]/", "address"),
        ("https://[2002:7f00:1::]/", "address"),
        ("https://１２７.０.０.１/", "address"),
        ("https://①②⑦.⓪.⓪.①/", "address"),
        ("https://127。0。0。1/", "address"),
        ("https://127．0｡0．1/", "address"),
        ("https://%31%32%37.0.0.1/", "address"),
        ("https://%31%32%37%2E%30%2E%30%2E%31/", "address"),
        ("https://0x7f%2e1/", "address"),
        // Cloud metadata.
        ("https://169.254.169.254/latest/meta-data/", "address"),
        ("https://2852039166/", "address"),
        ("https://0xa9fea9fe/", "address"),
        ("https://025177524776/", "address"),
        ("https://0251.0376.0251.0376/", "address"),
        ("https://0xa9.0xfe.0xa9.0xfe/", "address"),
        ("https://0251.254.0xa9fe/", "address"),
        ("https://169.254.43518/", "address"),
        ("https://169.16689662/", "address"),
        ("https://[::ffff:169.254.169.254]/", "address"),
        ("https://[::ffff:a9fe:a9fe]/", "address"),
        ("https://[::169.254.169.254]/", "address"),
        ("https://[64:ff9b::a9fe:a9fe]/", "address"),
        ("https://[2002:a9fe:a9fe::1]/", "address"),
        ("https://１６９.２５４.１６９.２５４/", "address"),
        ("https://[fd00:ec2::254]/", "address"),
        ("https://100.100.100.200/", "address"),
        ("https://metadata.google.internal/computeMetadata/v1/", "host"),
        // Other special networks.
        ("https://0/", "address"),
        ("https://0.0.0.0/", "address"),
        ("https://0x0.0/", "address"),
        ("https://[::]/", "address"),
        ("https://10.0.0.1/", "address"),
        ("https://012.1/", "address"),
        ("https://172.31.255.255/", "address"),
        ("https://192.168.1.1/", "address"),
        ("https://192.11010305/", "address"),
        ("https://100.64.0.1/", "address"),
        ("https://192.0.0.192/", "address"),
        ("https://192.0.2.1/", "address"),
        ("https://198.18.0.1/", "address"),
        ("https://198.51.100.7/", "address"),
        ("https://203.0.113.7/", "address"),
        ("https://224.0.0.1/", "address"),
        ("https://239.255.255.250/", "address"),
        ("https://240.0.0.1/", "address"),
        ("https://255.255.255.255/", "address"),
        ("https://4294967295/", "address"),
        ("https://[100::1]/", "address"),
        ("https://[2001::1]/", "address"),
        ("https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", "address"),
        ("https://[2001:20::1]/", "address"),
        ("https://[2001:db8::1]/", "address"),
        ("https://[3fff::1]/", "address"),
        ("https://[5f00::1]/", "address"),
        ("https://[fc00::1]/", "address"),
        ("https://[fe80::1]/", "address"),
        ("https://[fec0::1]/", "address"),
        ("https://[ff02::1]/", "address"),
        ("https://[4000::1]/", "address"),
        // Names.
        ("https://localhost/", "host"),
        ("https://localhost./", "host"),
        ("https://LOCALHOST/", "host"),
        ("https://ｌocalhost/", "host"),
        ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "host"),
        ("https://local\u{ad}host/", "host"),
        ("https://%6cocalhost/", "host"),
        ("https://localhost。/", "host"),
        ("https://a.localhost/", "host"),
        ("https://a.LocalHost.:8443/", "host"),
        ("https://printer.local/", "host"),
        ("https://printer.local./", "host"),
        ("https://host.docker.internal/", "host"),
        ("https://nas.home.arpa/", "host"),
        ("https://home.arpa/", "host"),
        ("https://expyuzz4wqqyqhjn.onion/", "host"),
        ("https://a.invalid/", "host"),
        ("https://a.test/", "host"),
        ("https://a.example/", "host"),
        ("https://a.b.alt/", "host"),
        ("https://intranet/", "host"),
        ("https://com./", "host"),
        ("https://localhost../", "host"),
        ("https://127.0.0.1../", "host"),
        ("https://example..com/", "host"),
        ("https://.example.com/", "host"),
        ("https://./", "host"),
        ("https://ex*mple.com/", "host"),
        ("https://127.0.0.1.0.1/", "host"),
        ("https://256.256.256.256/", "host"),
        ("https://127.0.0.0x/", "address"),
        ("https://08.0.0.1/", "host"),
        ("https://[fe80::1%eth0]/", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://[::1/", "host"),
        ("https://[127.0.0.1]/", "host"),
        ("https://example.com%00.evil.com/", "host"),
        ("https://exa%09mple.com/", "host"),
        ("https://xn--/", "host"),
        // No host.
        ("https://", "host"),
        ("https:///", "host"),
        ("https:///127.0.0.1/", "host"),
        ("https:////example.com/", "host"),
        ("https://?q", "host"),
        ("https://:443/", "host"),
        // User information.
        ("https://example.com@127.0.0.1/", "userinfo"),
        ("https://example.com:443@127.0.0.1/", "userinfo"),
        ("https://user:secret@example.com/", "userinfo"),
        ("https://:secret@example.com/", "userinfo"),
        ("https://@example.com/", "userinfo"),
        ("https://:@example.com/", "userinfo"),
        ("https://example.com%2f@127.0.0.1/", "userinfo"),
        ("https://127.0.0.1@example.com/", "userinfo"),
        ("https://a@b@127.0.0.1/", "userinfo"),
        ("https://example.com@127.0.0.1#@example.com/", "userinfo"),
        // Fragments.
        ("https://example.com/#part", "fragment"),
        ("https://example.com/#", "fragment"),
        ("https://example.com#@127.0.0.1/", "fragment"),
        // Ports.
        ("https://example.com:22/", "port"),
        ("https://example.com:80/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:6379/", "port"),
        ("https://example.com:65979/", "port"),
        ("https://example.com:4x3/", "port"),
        ("https://example.com:-443/", "port"),
        ("https://8.8.8.8:53/", "port"),
        // Schemes.
        ("http://example.com/", "scheme"),
        ("http://127.0.0.1/", "scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("file://127.0.0.1/c$/", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("ws://example.com/", "scheme"),
        ("wss://example.com/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,hello", "scheme"),
        ("blob:https://example.com/1", "scheme"),
        ("view-source:https://example.com/", "scheme"),
        ("jar:https://example.com/a.jar!/", "scheme"),
        ("unix:/var/run/docker.sock", "scheme"),
        ("httpss://example.com/", "scheme"),
        // Not an address at all, or one that parsers quarrel about.
        ("", "not_a_url"),
        ("example.com", "not_a_url"),
        ("//example.com/", "not_a_url"),
        ("/path", "not_a_url"),
        ("https", "not_a_url"),
        ("https:example.com", "not_a_url"),
        ("https:/127.0.0.1/", "not_a_url"),
        ("https:\\\\127.0.0.1\\", "not_a_url"),
        ("https://example.com\\@127.0.0.1/", "not_a_url"),
        ("https://127.0.0.1\\.example.com/", "not_a_url"),
        ("https://example.com/\\", "not_a_url"),
        ("https://127.0\t.0.1/", "not_a_url"),
        ("ht\ntps://127.0.0.1/", "not_a_url"),
        ("https://example.com/\r\nHost: localhost", "not_a_url"),
        ("\thttps://example.com/", "not_a_url"),
        (" https://127.0.0.1/", "not_a_url"),
        ("https://example.com/ ", "not_a_url"),
        ("https://example.com /", "not_a_url"),
        ("https://example.com\u{0}.evil.com/", "not_a_url"),
        ("https://example.com\u{3000}/", "not_a_url"),
        ("https://example.com/\u{2028}", "not_a_url"),
    ];

    /// Addresses that must pass, with the host and the port that they lead to.
    const GOOD: &[(&str, &str, u16)] = &[
        ("https://example.com", "example.com", 443),
        ("https://hooks.example.com/assay/v1?source=a%20b&x=1", "hooks.example.com", 443),
        ("HTTPS://Hooks.EXAMPLE.com/Path", "hooks.example.com", 443),
        ("https://hooks.example.com.:443/", "hooks.example.com.", 443),
        ("https://hooks.example.com:8443/", "hooks.example.com", 8443),
        ("https://bücher.example.com/", "xn--bcher-kva.example.com", 443),
        ("https://例え.jp/受信", "xn--r8jz45g.jp", 443),
        ("https://a_b.s3-eu-west-1.amazonaws.com/x", "a_b.s3-eu-west-1.amazonaws.com", 443),
        ("https://example.com/users/@me?mail=a@b.com", "example.com", 443),
        ("https://example.com?to=https://127.0.0.1/", "example.com", 443),
        ("https://notlocalhost.com/", "notlocalhost.com", 443),
        ("https://mylocal.internal-hooks.com/", "mylocal.internal-hooks.com", 443),
        ("https://localhost.com/", "localhost.com", 443),
        ("https://a.latest/", "a.latest", 443),
        ("https://8.8.8.8/", "8.8.8.8", 443),
        ("https://134744072/", "8.8.8.8", 443),
        ("https://172.32.0.1:8443/", "172.32.0.1", 8443),
        ("https://[2606:4700:4700::1111]/", "[2606:4700:4700::1111]", 443),
        ("https://[2a00:1450:4001:81b::200e]:8443/hook", "[2a00:1450:4001:81b::200e]", 8443),
        ("https://[::ffff:8.8.8.8]/", "[::ffff:808:808]", 443),
    ];

    /// Every network that must be refused, the wide ones outside 2000::/3 included.
    const SPECIAL: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn allowing(networks: &[&str]) -> Rules {
        Rules { allowed: networks.iter().map(|network| network.parse().unwrap()).collect(), ..Rules::default() }
    }

    fn code(text: &str, rules: &Rules) -> Result<u16, &'static str> {
        check(text, rules).map(|target| target.port).map_err(|refusal| refusal.code())
    }

    #[test]
    fn every_hostile_spelling_is_refused_for_its_reason() {
        assert!(HOSTILE.len() >= 60);
        assert_eq!(HOSTILE.iter().map(|(text, _)| text).collect::<BTreeSet<_>>().len(), HOSTILE.len(), "no row counts twice");
        for (text, expected) in HOSTILE {
            assert_eq!(code(text, &Rules::default()), Err(*expected), "{text:?}");
        }
    }

    #[test]
    fn every_good_address_leads_to_its_host_and_port() {
        assert!(GOOD.len() >= 10);
        for (text, host, port) in GOOD {
            let target = check(text, &Rules::default()).unwrap_or_else(|refusal| panic!("{text:?}: {refusal}"));
            assert_eq!((target.host.to_string().as_str(), target.port), (*host, *port), "{text:?}");
            assert_eq!(target.url.host_str(), Some(*host), "{text:?}");
            assert_eq!(check(target.url.as_str(), &Rules::default()), Ok(target), "{text:?} passes again once normalised");
        }
    }

    #[test]
    fn special_networks_are_refused_from_the_first_address_to_the_last_and_allowed_when_the_operator_lists_them() {
        for text in SPECIAL {
            let network: IpNet = text.parse().unwrap();
            for address in [network.network(), network.broadcast()] {
                assert!(!permitted(address, &Rules::default()), "{address} in {text}");
                // What the forms that carry an IPv4 address lead to must be allowed, too; all of it is, here.
                assert!(permitted(address, &allowing(&[text, "0.0.0.0/0"])), "{address} in {text}");
            }
        }
    }

    #[test]
    fn the_neighbours_of_special_networks_are_permitted() {
        let neighbours = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 \
             172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.1.255 192.0.3.0 192.31.195.255 192.31.197.0 192.52.192.255 \
             192.52.194.0 192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 192.175.47.255 192.175.49.0 198.17.255.255 198.20.0.0 \
             198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 2000:: 2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
             2001:200:: 2001:db7:ffff:ffff:ffff:ffff:ffff:ffff 2001:db9:: 2003:: 2620:4f:7fff:: 2620:4f:8001:: 3ffe:ffff:: 3fff:1000::";
        for address in neighbours.split_whitespace() {
            assert!(permitted(ip(address), &Rules::default()), "{address}");
        }
    }

    #[test]
    fn an_operators_network_is_reached_in_every_spelling_and_nothing_beside_it() {
        let rules = allowing(&["10.1.0.0/16", "fd12:3456::/32"]);
        for text in ["https://10.1.2.3/", "https://0xa010203/", "https://[::ffff:10.1.2.3]/", "https://[fd12:3456::1]/", "https://8.8.8.8/"]
        {
            assert_eq!(code(text, &rules), Ok(443), "{text}");
        }
        for text in
            ["https://10.2.0.1/", "https://[::10.1.2.3]/", "https://[64:ff9b::a01:203]/", "https://[fd12:3457::1]/", "https://127.0.0.1/"]
        {
            assert_eq!(code(text, &rules), Err("address"), "{text}");
        }
        assert_eq!(code("https://10.1.2.3:9000/", &rules), Err("port"));
        assert_eq!(code("https://intranet/", &rules), Err("host"), "an allowed network does not allow names");
    }

    #[test]
    fn behind_an_allowed_translator_the_inner_address_still_counts() {
        let rules = allowing(&["64:ff9b::/96", "::/0"]);
        assert!(permitted(ip("64:ff9b::8.8.8.8"), &rules));
        for address in ["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "::10.0.0.1", "2002:a00:1::", "::ffff:10.0.0.1", "10.0.0.1"] {
            assert!(!permitted(ip(address), &rules), "{address}");
        }
        assert!(permitted(ip("64:ff9b::10.0.0.1"), &allowing(&["64:ff9b::/96", "10.0.0.0/8"])));
        assert!(!permitted(ip("::1"), &allowing(&["0.0.0.0/8"])), "loopback carries no IPv4 address");
    }

    #[test]
    fn plain_http_opens_names_but_neither_ports_nor_addresses() {
        let rules = Rules { ports: vec![80, 443, 3000], plain_http: true, ..Rules::default() };
        for (text, port) in [
            ("http://localhost:3000/hook", 3000),
            ("http://receiver/", 80),
            ("https://receiver/", 443),
            ("http://a.test/", 80),
            ("http://localhost./", 80),
        ] {
            assert_eq!(code(text, &rules), Ok(port), "{text}");
        }
        for (text, expected) in [
            ("http://localhost:8080/", "port"),
            ("http://127.0.0.1:3000/", "address"),
            ("http://a@localhost/", "userinfo"),
            ("http://localhost/#", "fragment"),
            ("http://a..b/", "host"),
            ("ftp://localhost/", "scheme"),
        ] {
            assert_eq!(code(text, &rules), Err(expected), "{text}");
        }
        let loopback = Rules { allowed: allowing(&["127.0.0.0/8", "::1/128"]).allowed, ..rules };
        assert_eq!(code("http://127.0.0.1:3000/", &loopback), Ok(3000));
        assert_eq!(code("http://[::1]:3000/", &loopback), Ok(3000));
        assert_eq!(code("http://example.com/", &Rules { plain_http: true, ..Rules::default() }), Err("port"), "80 has to be listed");
    }

    #[test]
    fn length_is_counted_in_characters_and_again_when_encoded() {
        let start = "https://example.com/";
        let of = |length: usize, fill: &str| format!("{start}{}", fill.repeat(length - start.len()));
        assert_eq!(code(&of(MAX_LENGTH, "a"), &Rules::default()), Ok(443));
        assert_eq!(code(&of(MAX_LENGTH + 1, "a"), &Rules::default()), Err("too_long"));
        assert_eq!(code(&of(225, "é"), &Rules::default()), Ok(443));
        assert_eq!(code(&of(MAX_LENGTH, "é"), &Rules::default()), Err("too_long"));
        let label = "a".repeat(63);
        assert_eq!(code(&format!("https://{label}.com/"), &Rules::default()), Ok(443));
        assert_eq!(code(&format!("https://{label}a.com/"), &Rules::default()), Err("host"));
        assert_eq!(code(&format!("https://{}com/", format!("{label}.").repeat(4)), &Rules::default()), Err("host"));
    }

    #[test]
    fn one_special_address_spoils_the_answer_and_an_empty_one_permits_nothing() {
        let rules = Rules::default();
        assert!(all_permitted(&[ip("8.8.8.8"), ip("2606:4700:4700::1111")], &rules));
        assert!(!all_permitted(&[ip("8.8.8.8"), ip("10.0.0.1")], &rules));
        assert!(!all_permitted(&[ip("::1"), ip("8.8.8.8")], &rules));
        assert!(!all_permitted(&[], &rules));
    }

    #[test]
    fn messages_say_what_to_do() {
        let message = |text: &str| check(text, &Rules::default()).unwrap_err().to_string();
        assert_eq!(message("https://0x7f.1/"), "use a public address: 127.0.0.1 is private, local or reserved");
        assert_eq!(message("https://example.com:22/"), "use one of the ports that are allowed: 443, 8443");
        assert_eq!(message("http://example.com/"), "start the address with https://");
    }

    /// Any IPv4 address, half of them inside a special network or at its edge.
    fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
        let near = (0..SPECIAL_V4.len(), any::<u32>(), -1_i64..=1).prop_map(|(index, bits, step)| {
            let network = SPECIAL_V4[index];
            let inside = u32::from(network.network()) | bits & u32::from(network.hostmask());
            match step {
                -1 => u32::from(network.network()).wrapping_sub(1),
                0 => inside,
                _ => u32::from(network.broadcast()).wrapping_add(1),
            }
        });
        prop_oneof![any::<u32>(), near].prop_map(Ipv4Addr::from_bits)
    }

    proptest! {
        #[test]
        fn an_ipv4_address_and_its_mapped_form_are_judged_alike(address in any_v4()) {
            for rules in [Rules::default(), allowing(&["10.0.0.0/8", "127.0.0.1/32"]), allowing(&["::/0"]), allowing(&["0.0.0.0/0"])] {
                let plain = permitted(IpAddr::V4(address), &rules);
                prop_assert_eq!(plain, permitted(IpAddr::V6(address.to_ipv6_mapped()), &rules));
                prop_assert_eq!(plain, check(&format!("https://[{}]/", address.to_ipv6_mapped()), &rules).is_ok());
            }
        }

        #[test]
        fn every_spelling_of_an_ipv4_address_is_judged_alike(address in any_v4()) {
            let rules = Rules::default();
            let plain = permitted(IpAddr::V4(address), &rules);
            let (bits, [a, b, c, d]) = (address.to_bits(), address.octets());
            for host in [
                format!("{address}"),
                format!("{address}."),
                format!("{bits}"),
                format!("{bits:#x}"),
                format!("0{bits:o}"),
                format!("0{a:o}.{b:#x}.0{c:o}.{d:#x}"),
                format!("{a}.{}", bits & 0xff_ffff),
                format!("{a}.{b}.{}", bits & 0xffff),
                format!("{address}").replace('.', "。"),
                format!("{address}").replace('.', "%2E"),
            ] {
                prop_assert_eq!(check(&format!("https://{host}/"), &rules).is_ok(), plain, "{}", host);
            }
        }

        #[test]
        fn what_the_standard_library_calls_special_is_refused(v4 in any_v4(), bits in any::<u128>()) {
            if v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast() || v4.is_documentation() || v4.is_multicast() {
                prop_assert!(!permitted(IpAddr::V4(v4), &Rules::default()));
            }
            let v6 = Ipv6Addr::from_bits(bits);
            if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_multicast() || v6.segments()[0] >> 13 != 1 {
                prop_assert!(!permitted(IpAddr::V6(v6), &Rules::default()));
            }
        }

        #[test]
        fn no_text_makes_it_panic_or_leads_to_a_special_literal(text in "(https://)?[0-9a-fx.:@%/\\[\\]#?]{0,24}|\\PC{0,40}") {
            if let Ok(target) = check(&text, &Rules::default()) {
                prop_assert_eq!(target.url.scheme(), "https");
                match target.host {
                    Host::Ipv4(address) => prop_assert!(permitted(address.into(), &Rules::default())),
                    Host::Ipv6(address) => prop_assert!(permitted(address.into(), &Rules::default())),
                    Host::Domain(name) => prop_assert!(name.parse::<IpAddr>().is_err()),
                }
            }
        }
    }
}
