//! How the bridge is configured.

use super::texts;

texts! {
    /// The configuration.
    SettingsWords {
        title: "配置", "Settings";
        what: "只能查看。请修改配置文件或环境变量，然后重启；密钥、准入和映射等用 SIGHUP 即可生效", "Only to be looked at. Edit the file or the environment and restart; secrets, admission, mapping and the like need a SIGHUP only";
        keys: "现在生效的配置", "In force";
        default: "默认值", "default";
        tokens: "访问令牌", "Tokens";
        secrets: "签名密钥", "Webhook secrets";
        secrets_what: "以指纹区分", "Told apart by their fingerprints";
        used: "最近使用", "last used";
        never: "没有使用记录", "no use on record";
        expires: "到期", "expires";
    }
}
