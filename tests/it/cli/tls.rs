//! A bridge without a reverse proxy: it speaks TLS itself.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use erp_bridge::simulator::{self, SimConfig};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::program::{Program, command, run, settings};
use crate::support::eventually;

const LIMIT: Duration = Duration::from_secs(20);

/// Writes a certificate for this machine that vouches for itself, and its key.
fn certify(dir: &Path) {
    let name = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", name, "-keyout", "key.pem", "-out", "cert.pem"])
        // Else openssl makes an authority's, which no server may show.
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(dir)
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("this test needs openssl").success());
}

/// A client that believes the certificate in this directory and no other.
fn client(dir: &Path) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = reqwest::Certificate::from_pem(&std::fs::read(dir.join("cert.pem")).unwrap()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).timeout(LIMIT).build().unwrap()
}

fn with_tls(erp: &str) -> Vec<(String, String)> {
    let mut set = settings(erp);
    for (key, file) in [("CERT", "cert.pem"), ("KEY", "key.pem")] {
        set.push((format!("ERP_BRIDGE__SERVER__TLS_{key}"), file.to_owned()));
    }
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_with_a_certificate_speaks_tls_and_nothing_else_and_takes_a_new_one_while_it_runs() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Program::serve_in(&with_tls(&sim.base_url()), certify);
    assert!(bridge.url.starts_with("https://"), "{}", bridge.url);
    let status = async |client: &reqwest::Client| {
        let answer = client.get(format!("{}/livez", bridge.url)).send().await;
        answer.map(|answer| answer.status().as_u16()).ok()
    };
    let first = client(bridge.dir());
    assert_eq!(status(&first).await, Some(200));
    let address = bridge.url.trim_start_matches("https://").to_owned();
    let healthy = run(command(bridge.dir(), &[]).args(["health", "--address", &address, "--tls-cert", "cert.pem"]));
    assert_eq!(healthy.code, 0, "{}", healthy.stderr);

    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // It may be cut without a word.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "plain http is not answered");

    std::fs::write(bridge.dir().join("key.pem"), "no key").unwrap();
    bridge.signal("HUP");
    eventually("the mistake is logged", LIMIT, async || bridge.logged("the old certificate stays").then_some(())).await;
    assert!(bridge.logged("server.tls_key: key.pem cannot be read as a PEM key"));
    assert_eq!(status(&client(bridge.dir())).await, Some(200), "and the bridge goes on with what it has");

    certify(bridge.dir());
    bridge.signal("HUP");
    // A client keeps its connection: each look is another's.
    eventually("the new certificate is shown", LIMIT, async || {
        (status(&client(bridge.dir())).await == Some(200)).then_some(())
    })
    .await;
    let other = tempfile::tempdir().unwrap();
    certify(other.path());
    std::fs::copy(other.path().join("cert.pem"), bridge.dir().join("other.pem")).unwrap();
    let misled = run(command(bridge.dir(), &[]).args(["health", "--address", &address, "--tls-cert", "other.pem"]));
    assert_eq!(misled.code, 1, "another certificate is not believed");
    assert!(misled.stderr.contains("another certificate"), "{}", misled.stderr);
    assert_eq!(bridge.signal_and_wait("TERM").code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_never_agrees_on_keys_holds_up_neither_the_others_nor_the_end() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let bridge = Program::serve_in(&with_tls(&sim.base_url()), certify);
    let address = bridge.url.trim_start_matches("https://").to_owned();
    let silent = TcpStream::connect(&address).await.unwrap();
    let answer = client(bridge.dir()).get(format!("{}/livez", bridge.url)).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let began = std::time::Instant::now();
    assert_eq!(bridge.signal_and_wait("TERM").code, 0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(silent);
}

#[test]
fn files_that_are_no_certificate_or_do_not_belong_together_are_named_at_the_start() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certify(dir.path());
    certify(other.path());
    let file = |name: &str| dir.path().join(name);
    let started = || {
        let answer = run(command(dir.path(), &with_tls("http://127.0.0.1:1")).arg("serve"));
        assert_eq!(answer.code, 2, "{}", answer.stderr);
        answer.stderr
    };
    std::fs::copy(other.path().join("key.pem"), file("key.pem")).unwrap();
    assert!(started().contains("write the key of this certificate"));
    std::fs::copy(file("key.pem"), file("cert.pem")).unwrap();
    assert!(started().contains("server.tls_cert: cert.pem holds no certificate"));
    std::fs::remove_file(file("cert.pem")).unwrap();
    assert!(started().contains("server.tls_cert: cert.pem cannot be read"));
}
