//! Where names differ from the ground truth.

/// What differs from the truth, capture by capture, and why.
pub(crate) const DIFFERENCES: [(&str, &str, &[&str]); 11] = [
    (
        "arkime--socks5-http-302-frag.pcap",
        "the request lies in fragments of IP, which are not put together for names",
        &["tcp missed www.google.com"],
    ),
    (
        "dnscap--sll2.pcap",
        "a dot within a label is escaped here, and bare in the truth",
        &["dns missed ,", r"dns more ,\046"],
    ),
    (
        "libpcap--AH-IPcomp-IPv4.pcap",
        "the request is compressed by IPComp",
        &["tcp missed 150.0.1.1"],
    ),
    (
        "ndpi--dtls.pcapng",
        "the truth has no fingerprints of DTLS",
        &[
            "ja4 more dd2i120700_7c0e62f61317_d9dd6182da81",
            "ja4 more dd2i160700_7c8d7d5e37b2_ea2cef574603",
            "ja4 more dd3i270600_991e33d7eb74_10f9deb96590",
        ],
    ),
    (
        "ndpi--openvpn.pcapng",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &[
            "ja4 missed 12i070400_598ed29349f1_22a92d800fe4",
            "ja4 missed 12i070400_598ed29349f1_86166bab889b",
            "ja4 missed t10i510400_54da1506f81e_282f11336259",
        ],
    ),
    (
        "ndpi--openvpn_nohmac.pcapng",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &[
            "ja4 missed 12i070400_598ed29349f1_22a92d800fe4",
            "ja4 missed 12i070400_598ed29349f1_86166bab889b",
        ],
    ),
    (
        "zeek-spicy-openvpn--openvpn_tcp_nontlsauth.pcapng",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &["ja4 missed t10i510400_54da1506f81e_282f11336259"],
    ),
    (
        "zeek-spicy-openvpn--openvpn_udp_tls-auth.pcap",
        "hellos inside OpenVPN's control channel are not the flow's own",
        &["ja4 missed 10i510400_54da1506f81e_282f11336259"],
    ),
    (
        "pcpp--ip6_fragments.pcap",
        "the questions lie in fragments of IP, which are not put together for names",
        &["mdns missed 16 names"],
    ),
    (
        "sv--http2-userinfo-authority-http2_userinfo_in_authority_1.pcap",
        "a host field besides :authority, which the truth leaves out",
        &["tcp more foo.com"],
    ),
    (
        "zeek--quicdoq.pcap",
        "a draft of QUIC whose fingerprint the truth lacks",
        &["ja4 more q13i0307dq_55b375c5d22e_af0a630e9e67"],
    ),
];
