//! The closed set of applications.

macro_rules! applications {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// The protocol of a flow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Application {
            $($(#[$doc])* $variant,)*
        }

        impl Application {
            /// Every application, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Whether its names say nothing of its own other end: it asks for them.
            pub const fn asks_for_names(self) -> bool {
                matches!(self, Self::Dns | Self::Mdns | Self::Llmnr)
            }

            /// The word of the `application` column.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

applications! {
    /// TLS over TCP.
    Tls = "tls",
    /// DTLS.
    Dtls = "dtls",
    /// QUIC, any version.
    Quic = "quic",
    /// HTTP/1.x in the clear.
    Http = "http",
    /// HTTP/2 in the clear.
    Http2 = "http2",
    /// DNS in the clear.
    Dns = "dns",
    /// DNS over TLS.
    Dot = "dot",
    /// DNS over HTTPS, by the name of a known resolver.
    Doh = "doh",
    /// DNS over QUIC.
    Doq = "doq",
    /// DNSCrypt version 2.
    Dnscrypt = "dnscrypt",
    /// Multicast DNS.
    Mdns = "mdns",
    /// Link-local multicast name resolution.
    Llmnr = "llmnr",
    /// NetBIOS names, datagrams and sessions.
    Netbios = "netbios",
    /// Network time.
    Ntp = "ntp",
    /// DHCP for IPv4 and IPv6.
    Dhcp = "dhcp",
    /// SNMP, versions 1 to 3.
    Snmp = "snmp",
    /// UPnP discovery.
    Ssdp = "ssdp",
    /// Secure shell.
    Ssh = "ssh",
    /// Telnet.
    Telnet = "telnet",
    /// Remote desktop.
    Rdp = "rdp",
    /// TeamViewer.
    Teamviewer = "teamviewer",
    /// VNC's remote frame buffer.
    Vnc = "vnc",
    /// Mail transfer and submission.
    Smtp = "smtp",
    /// Mailbox access.
    Imap = "imap",
    /// Mailbox retrieval.
    Pop3 = "pop3",
    /// FTP, control connection.
    Ftp = "ftp",
    /// Windows file sharing.
    Smb = "smb",
    /// LDAP and CLDAP.
    Ldap = "ldap",
    /// MQTT.
    Mqtt = "mqtt",
    /// PostgreSQL.
    Postgresql = "postgresql",
    /// MySQL and MariaDB.
    Mysql = "mysql",
    /// Redis.
    Redis = "redis",
    /// SIP.
    Sip = "sip",
    /// RTP media.
    Rtp = "rtp",
    /// RTSP.
    Rtsp = "rtsp",
    /// STUN and TURN.
    Stun = "stun",
    /// BitTorrent between peers, over TCP or uTP.
    Bittorrent = "bittorrent",
    /// BitTorrent's distributed hash table.
    BittorrentDht = "bittorrent_dht",
    /// BitTorrent trackers over UDP.
    BittorrentTracker = "bittorrent_tracker",
    /// Micro transport protocol whose content was not seen.
    Utp = "utp",
    /// Bitcoin between nodes.
    Bitcoin = "bitcoin",
    /// Ethereum between nodes: RLPx and discovery version 4.
    Ethereum = "ethereum",
    /// Monero between nodes.
    Monero = "monero",
    /// Mining pool protocol.
    Stratum = "stratum",
    /// Mining by getwork or getblocktemplate.
    Getwork = "getwork",
    /// WireGuard.
    Wireguard = "wireguard",
    /// OpenVPN over UDP or TCP.
    Openvpn = "openvpn",
    /// IKE version 1.
    Ikev1 = "ikev1",
    /// IKE version 2.
    Ikev2 = "ikev2",
    /// IPsec's ESP, bare or in UDP.
    Esp = "esp",
    /// L2TP.
    L2tp = "l2tp",
    /// PPTP, control connection.
    Pptp = "pptp",
    /// SSTP in the clear.
    Sstp = "sstp",
    /// SoftEther, traversal of address translation.
    Softether = "softether",
    /// Tor.
    Tor = "tor",
    /// SOCKS 4 or 5.
    Socks = "socks",
    /// Telegram's MTProto, not obfuscated.
    Telegram = "telegram",
    /// Steam.
    Steam = "steam",
}
