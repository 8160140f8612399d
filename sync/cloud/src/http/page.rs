//! The approval page: plain HTML in both languages, no script.
//!
//! This reference cloud has no login: whoever knows a member's id may approve, and agree, for that member. An operator puts
//! the page behind the login of the programme and fills the member in.

use dashpoint_membership::MemberId;

use crate::core::Waiting;
use crate::random::spoken_code;

/// Said above the form when it was sent without a yes or a no.
pub(super) const NO_ANSWER: &str = "请选择同意或不同意。 / Choose yes or no.";

/// Said above the form when no member has the id.
pub(super) const NO_MEMBER: &str = "没有这个会员编号。 / No member has this id.";

/// Said above the form when the member has no say over the vehicle.
pub(super) const NOT_OF_THE_VEHICLE: &str = "此车不属于该会员，不能代为同意。 / This member's account is not connected with this car, and cannot agree.";

/// The question that is open: for whom shall it earn, or may it earn for who said yes?
pub(super) fn question(waiting: &Waiting, complaint: Option<&str>) -> String {
    match waiting.claimed_by {
        Some(claimant) => consent(waiting, claimant, complaint),
        None => approval(waiting, complaint),
    }
}

/// The question to a member of the vehicle: may somebody else earn with it?
fn consent(waiting: &Waiting, claimant: MemberId, complaint: Option<&str>) -> String {
    let claimant = claimant.to_string();
    let short = claimant.get(..8).unwrap_or_default();
    page(
        "等待车主同意 / Waiting for the car's member",
        &format!(
            "{}{}<p>这辆车已在为其他会员积分。须由其中一位会员（或客服）同意后，会员 {short}… 才能加入。<br>\
             This car earns for another member already. Member {short}… is connected once one of the car's members, \
             or the customer service, agrees.</p>\n\
             <form method=\"post\">\n\
             <p><label>本车现有会员的编号 / Id of a member of this car<br><input name=\"member\" size=\"36\" maxlength=\"32\" \
             autocomplete=\"off\" spellcheck=\"false\"></label></p>\n\
             <p><button name=\"answer\" value=\"yes\">同意 / Agree</button>\n\
             <button name=\"answer\" value=\"no\">不同意 / Do not agree</button></p>\n\
             </form>\n\
             <p><small>一小时内有效。 / Valid for one hour.</small></p>",
            alert(complaint),
            car(waiting),
        ),
    )
}

fn alert(complaint: Option<&str>) -> String {
    complaint.map_or_else(String::new, |text| {
        format!("<p role=\"alert\"><strong>{}</strong></p>\n", escaped(text))
    })
}

/// The question: is this your car, and for whom shall it earn?
fn approval(waiting: &Waiting, complaint: Option<&str>) -> String {
    let complaint = alert(complaint);
    page(
        "将车机加入会员账户 / Connect a car",
        &format!(
            "{complaint}{}<p>请核对车机屏幕上的代码与车架号末四位。<br>Check the code and the last four of the VIN against the car's screen.</p>\n\
             <form method=\"post\">\n\
             <p><label>会员编号 / Member id<br><input name=\"member\" size=\"36\" maxlength=\"32\" autocomplete=\"off\" \
             spellcheck=\"false\"></label></p>\n\
             <p><button name=\"answer\" value=\"yes\">是，加入 / Yes, connect</button>\n\
             <button name=\"answer\" value=\"no\">不是我的车 / No, not my car</button></p>\n\
             </form>\n\
             <p><small>五分钟内有效。 / Valid for five minutes.</small></p>",
            car(waiting)
        ),
    )
}

/// Yes was said.
pub(super) fn approved(waiting: &Waiting) -> String {
    page(
        "已加入 / Connected",
        &format!(
            "{}<p>车机稍后会显示您的会员卡。<br>The car will show your member card in a moment.</p>",
            car(waiting)
        ),
    )
}

/// No was said.
pub(super) fn refused(waiting: &Waiting) -> String {
    page(
        "已拒绝 / Refused",
        &format!(
            "{}<p>这台车机没有加入。<br>This car was not connected.</p>",
            car(waiting)
        ),
    )
}

/// Nobody waits with the code.
pub(super) fn unknown_code() -> String {
    page(
        "代码无效 / Code not valid",
        "<p>代码有误、已处理，或已过期。请在车机上重新获取。<br>\
         The code is wrong, was answered, or its time is over. Ask for a new one in the car.</p>",
    )
}

/// Too many wrong codes, or the cloud cannot answer.
pub(super) fn later() -> String {
    page(
        "请稍后再试 / Please try again later",
        "<p>请一分钟后再试。<br>Please try again in a minute.</p>",
    )
}

fn car(waiting: &Waiting) -> String {
    let vehicle = waiting.vehicle.to_string();
    let short = vehicle.get(..8).unwrap_or_default();
    format!(
        "<dl>\n<dt>代码 / Code</dt><dd><strong>{}</strong></dd>\n\
         <dt>车架号末四位 / Last four of the VIN</dt><dd><strong>{}</strong></dd>\n\
         <dt>车辆 / Car</dt><dd>{}</dd>\n</dl>\n",
        escaped(&spoken_code(&waiting.code)),
        escaped(&waiting.vin_last4),
        escaped(short),
    )
}

fn page(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}}\
         dd{{margin:0 0 .6rem;font-size:1.4rem}}button,input{{font:inherit;padding:.5rem .8rem}}\
         input{{width:100%;box-sizing:border-box}}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use dashpoint_membership::{ServerTime, VehicleId};

    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let waiting = Waiting {
            code: "7K3M<b>A".to_owned(),
            vehicle: VehicleId::from_bytes([0xab; 16]),
            vin_last4: "\"&'>".to_owned(),
            expires: ServerTime::from_unix_s(0),
            claimed_by: None,
        };
        let page = question(&waiting, Some("<i>"));
        assert!(page.contains("7K3M-&lt;b&gt;A"));
        assert!(page.contains("&quot;&amp;&#39;&gt;"));
        assert!(page.contains("&lt;i&gt;") && !page.contains("<i>") && !page.contains("<b>"));
        assert!(page.contains("abababab"));
    }
}
