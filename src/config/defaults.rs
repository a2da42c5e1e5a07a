//! What holds where nothing is configured. `erp-bridge.example.toml` shows the same values; a test compares them.

use std::{collections::BTreeMap, time::Duration};

use super::{
    AdmissionConfig, ApiConfig, BaseUrl, BeforePromotion, ConflictsConfig, ConsoleConfig, ContentType, DatabaseConfig,
    DatabaseUrl, ErpConfig, ErpValues, Level, ListenAddress, LogConfig, LogFilter, LogFormat, MappingConfig, Markup,
    MessagesConfig, RetentionConfig, RetryConfig, SameName, ServerConfig, WebhookConfig, WorkerConfig,
};

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: ListenAddress::default(),
            admin_listen: None,
            body_limit: 256 * 1024,
            read_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(15),
            shutdown_grace: Duration::from_secs(25),
            max_connections: 2_048,
            max_connections_per_address: 512,
            request_memory: 163 * 1024 * 1024,
            trusted_proxies: Vec::new(),
            tls_cert: String::new(),
            tls_key: String::new(),
        }
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::default(),
            max_connections: 8,
            max_backlog: 5_000_000,
            min_free_disk: 64 * 1024 * 1024,
        }
    }
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            secrets: Vec::new(),
            tolerance: minutes(5),
            rate_limit: 0,
            strict: false,
            zone: crate::clock::erp_zone(),
            silence_after: Duration::ZERO,
        }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self { tokens: Vec::new(), rate_limit: 0, auth_failure_limit: 120, preview_limit: 60 }
    }
}

impl Default for AdmissionConfig {
    fn default() -> Self {
        let placeholders =
            ["先生", "女士", "小姐", "老板", "经理", "客户", "微信用户", "未知", "匿名", "无名", "test", "测试"];
        Self {
            min_score: 60.0,
            placeholders: placeholders.iter().filter_map(|name| name.parse().ok()).collect(),
            rules: BTreeMap::new(),
        }
    }
}

impl Default for ErpConfig {
    fn default() -> Self {
        Self {
            base_url: BaseUrl::default(),
            username: String::new(),
            password: String::new().into(),
            serial: String::new(),
            content_type: ContentType::Json,
            login_path: "/webapi/v3/ov1/login".into(),
            timeout: Duration::from_secs(20),
            max_in_flight: 4,
            late_effect: Duration::ZERO,
            choices_max_age: minutes(60),
            session_max_age: minutes(110),
            quiet_hours: Vec::new(),
            values: ErpValues::default(),
        }
    }
}

impl Default for ErpValues {
    fn default() -> Self {
        Self {
            sort1: "3,7".into(),
            sort: "默认分类".into(),
            stage: "潜在客户".into(),
            stage_after_deal: String::new(),
            source: "微信".into(),
        }
    }
}

impl Default for MappingConfig {
    fn default() -> Self {
        let level = |min, id, text: &str| Level { min, id, text: text.into() };
        Self {
            khid_prefix: "WX".into(),
            levels: vec![
                level(90.0, 175, "很高"),
                level(75.0, 289, "较高"),
                level(60.0, 176, "一般"),
                level(45.0, 177, "较低"),
                level(0.0, 290, "很低"),
            ],
            markup: Markup::FullWidth,
        }
    }
}

impl Default for ConflictsConfig {
    fn default() -> Self {
        Self { same_name: SameName::Review }
    }
}

impl Default for MessagesConfig {
    fn default() -> Self {
        Self { before_promotion: BeforePromotion::Hold, hold_for: days(30) }
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        let seconds = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400];
        Self { schedule: seconds.map(Duration::from_secs).to_vec() }
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { succeeded: days(90), audit: days(3 * 365), outbox: days(90), webhook_ids: Duration::ZERO }
    }
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            lease: minutes(2),
            poll: Duration::from_secs(1),
            circuit_failures: 5,
            cut_short_runs: 10,
            circuit_pause: Duration::from_secs(10),
            block_pause: Duration::from_secs(5),
            block_pause_max: Duration::from_secs(300),
        }
    }
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self { enabled: true, public_url: None }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: LogFilter::default(), format: LogFormat::Text }
    }
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}
