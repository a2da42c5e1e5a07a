//! A company's own authority (`outbound.ca_cert`, `--ca-cert`): whoever it vouches for is called by https.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use erp_bridge::{
    clock::Clock,
    simulator::{self, SimConfig},
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{
    program::{PASSWORD, Program, command, run, settings},
    send::promoted,
};
use crate::support::{Receiver, SECRET, Sender, World, eventually};

const LIMIT: Duration = Duration::from_secs(20);

fn openssl(dir: &Path, flags: &[&str]) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    let made = command.args(flags).current_dir(dir).stderr(Stdio::null()).status();
    assert!(made.expect("this test needs openssl").success());
}

/// An authority in `ca.pem`, and the certificate that it gave this machine's name, with its key.
fn certify(dir: &Path) {
    openssl(dir, &["-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"]);
    let server = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    let issued = ["-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.pem", "-CAkey", "ca.key"];
    openssl(dir, &[&server[..], &issued, &["-keyout", "key.pem", "-out", "cert.pem"]].concat());
}

/// Puts TLS with that certificate before a server; answers its new address.
async fn behind_tls(dir: &Path, url: &str) -> String {
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(dir.join("cert.pem")).unwrap().collect();
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates.unwrap(), key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, address) = (acceptor.clone(), address.clone());
            tokio::spawn(async move {
                // Who does not believe the certificate goes away.
                let Ok(mut secured) = acceptor.accept(stream).await else { return };
                let mut server = TcpStream::connect(address).await.unwrap();
                let _ = copy_bidirectional(&mut secured, &mut server).await;
            });
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erp_whose_certificate_is_a_company_s_own_is_called_once_its_authority_is_named() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let erp = behind_tls(dir.path(), &sim.base_url()).await;
    let mut set = settings(&erp);
    let stranger = run(command(dir.path(), &set).arg("check"));
    assert_eq!((stranger.code, sim.handle.calls(0).len()), (1, 0), "{}", stranger.stdout);
    set.push(("ERP_BRIDGE__OUTBOUND__CA_CERT".into(), "ca.pem".into()));
    let known = run(command(dir.path(), &set).arg("check"));
    assert_eq!(known.code, 0, "{}{}", known.stdout, known.stderr);
    assert_eq!(sim.handle.calls_of("login").len(), 1);

    let flags = ["--base-url", &erp, "--username", "admin", "--password", PASSWORD, "--ca-cert", "ca.pem"];
    let made = run(command(dir.path(), &[]).args(["init", "--yes"]).args(flags));
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    let written = run(command(dir.path(), &[]).arg("check"));
    assert_eq!(written.code, 0, "{}{}", written.stdout, written.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_robot_and_a_bridge_behind_a_company_s_own_authority_are_reached_too() {
    let dir = tempfile::tempdir().unwrap();
    certify(dir.path());
    let receiver = Receiver::start().await;
    let robot = behind_tls(dir.path(), &receiver.url).await;
    let mut set = settings("http://127.0.0.1:1");
    set.push(("ERP_BRIDGE__ALERTS__TARGETS".into(), format!("webhook {robot}/hook")));
    let stranger = run(command(dir.path(), &set).args(["alert", "--test"]));
    assert_eq!((stranger.code, receiver.received().len()), (1, 0), "{}", stranger.stdout);
    set.push(("ERP_BRIDGE__OUTBOUND__CA_CERT".into(), "ca.pem".into()));
    let known = run(command(dir.path(), &set).args(["alert", "--test"]));
    assert_eq!((known.code, receiver.received().len()), (0, 1), "{}{}", known.stdout, known.stderr);

    let world = World::start().await;
    let bridge = behind_tls(dir.path(), &world.url("")).await;
    std::fs::write(dir.path().join("event.json"), promoted("c-1", 88).to_string()).unwrap();
    let send = |flags: &[&str]| {
        run(command(dir.path(), &[]).args(["send", "--url", &bridge, "--secret", SECRET]).args(flags).arg("event.json"))
    };
    assert_eq!(send(&[]).code, 2, "nobody known vouches for it");
    let taken = send(&["--ca-cert", "ca.pem"]);
    assert_eq!((taken.code, taken.stdout.contains("202 queued")), (0, true), "{}{}", taken.stdout, taken.stderr);
    let gone = send(&["--ca-cert", "nowhere.pem"]);
    assert!(gone.code == 2 && gone.stderr.contains("--ca-cert nowhere.pem: "), "{}", gone.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_authority_waits_for_a_restart_and_says_so_and_a_broken_file_keeps_no_revoked_token_alive() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let mut set = settings(&sim.base_url());
    set.retain(|(key, _)| key != "ERP_BRIDGE__API__TOKENS");
    set.push(("ERP_BRIDGE__OUTBOUND__CA_CERT".into(), "ca.pem".into()));
    let (old, new) = ("old-token-0123456789-0123456789", "new-token-0123456789-0123456789");
    let give = |dir: &Path, token: &str| {
        let text = format!("[api]\ntokens = [{{ name = \"ops\", scope = \"operate\", token = \"{token}\" }}]\n");
        std::fs::write(dir.join("erp-bridge.toml"), text).unwrap();
    };
    let bridge = Program::serve_in(&set, |dir| {
        certify(dir);
        give(dir, old);
    });
    let http = Sender::new(bridge.url.clone(), Clock::system()).http;
    let status = async |token: &str| {
        let asked = http.get(format!("{}/v1/stats", bridge.url)).bearer_auth(token).send().await;
        asked.unwrap().status().as_u16()
    };
    assert_eq!(status(old).await, 200);

    std::fs::write(bridge.dir().join("ca.pem"), "-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    give(bridge.dir(), new);
    bridge.signal("HUP");
    eventually("the token is taken", LIMIT, async || (status(new).await == 200).then_some(())).await;
    assert_eq!(status(old).await, 401, "it was revoked");
    assert!(bridge.logged("the old authorities stay") && bridge.logged("the file cannot be read as PEM"));
    let waits = "in force only after a restart (重启后生效): outbound.ca_cert";
    assert!(!bridge.logged(waits), "no start would take it");

    certify(bridge.dir());
    bridge.signal("HUP");
    eventually("the new authority waits", LIMIT, async || bridge.logged(waits).then_some(())).await;
    assert_eq!(bridge.signal_and_wait("TERM").code, 0);
}
