//! Files that were written before there was a format number: they start the head unit, and mean what they meant.

use super::*;

/// Returns the value that a message has for a signal with these words; its kind when it is refused.
fn said(signal: &str, table: &str, payload: &str) -> Result<Value, &'static str> {
    let mapping = of_text(&format!("[signals.{signal:?}]\ntopic = \"t\"\n{table}\n"));
    assert_eq!(mapping.problems(), []);
    let message = BusMessage {
        topic: "t",
        payload: payload.as_bytes(),
        retained: false,
    };
    let mut said = Vec::new();
    Decoder::new(&mapping).handle(&mapping, message, || 0, &mut |input| said.push(input));
    match &said[..] {
        [BusInput::Sample { value, .. }] => Ok(value.clone()),
        [BusInput::Refused { error, .. }] => Err(error.name()),
        other => panic!("{payload}: {other:?}"),
    }
}

#[test]
fn words_match_letter_by_letter() {
    const GEAR: &str = "Vehicle.Powertrain.Transmission.SelectedGear";
    const CHARGING: &str = "Vehicle.Powertrain.TractionBattery.Charging.IsCharging";
    const IGNITION: &str = "Vehicle.LowVoltageSystemState";
    let no_point = || Err("not-a-data-point");
    let flag = |flag| Ok(Value::Bool(flag));
    let (number, text) = (|found| Ok(number(found)), |found| Ok(text(found)));
    for (signal, table, payload, expected) in [
        // Blanks are letters.
        (
            GEAR,
            "values = { \"D \" = 127 }",
            r#"{"value":"D "}"#,
            number(127.0),
        ),
        (
            GEAR,
            "values = { \"D \" = 127 }",
            r#"{"value":"D"}"#,
            text("D"),
        ),
        (
            GEAR,
            "values = { D = 127 }",
            r#"{"value":"D "}"#,
            text("D "),
        ),
        (GEAR, "values = { D = 127 }", " D ", number(127.0)),
        // So is nothing, in a data point.
        (
            GEAR,
            "values = { \"\" = 126 }",
            r#"{"value":""}"#,
            number(126.0),
        ),
        (GEAR, "values = { \"\" = 126 }", "", Err("empty")),
        // A number is written in the shortest way, and a text as it is.
        (IGNITION, "values = { \"1\" = \"ON\" }", "1.0", text("ON")),
        (IGNITION, "values = { \"1\" = \"ON\" }", "\"1\"", text("ON")),
        (
            IGNITION,
            "values = { \"1\" = \"ON\" }",
            "\"1.0\"",
            text("1.0"),
        ),
        (IGNITION, "values = { \"1\" = \"ON\" }", "01", text("01")),
        (IGNITION, "values = { \"1.0\" = \"ON\" }", "1", number(1.0)),
        (
            IGNITION,
            "values = { \"01\" = \"A\", \"1\" = \"B\" }",
            "1",
            text("B"),
        ),
        (IGNITION, "values = { true = \"ON\" }", "true", text("ON")),
        (IGNITION, "values = { true = \"ON\" }", "TRUE", text("TRUE")),
        // Words see what was parsed.
        (CHARGING, "values = { null = false }", "null", no_point()),
        (
            CHARGING,
            "values = { null = false }",
            r#"{"value":null}"#,
            no_point(),
        ),
        (
            CHARGING,
            "values = { null = false }",
            "\"null\"",
            flag(false),
        ),
        (
            CHARGING,
            "values = { \"Not charging\" = false }",
            "Not charging",
            no_point(),
        ),
        (
            CHARGING,
            "values = { \"Not charging\" = false }",
            "\"Not charging\"",
            flag(false),
        ),
        (CHARGING, "values = { \"{}\" = false }", "{}", no_point()),
    ] {
        assert_eq!(said(signal, table, payload), expected, "{table} {payload}");
    }
}

#[test]
fn each_file_that_was_accepted_is_accepted() {
    for file in [
        "",
        "[signals]",
        "prefix = \"\"",
        "[signals.\"Vehicle.Speed\"]\nabsent = true\nscale = 2\noffset = 1.5\nvalues = { x = 1 }",
        "[signals.\"Vehicle.IsMoving\"]\nabsent = true\nscale = 2",
        "[signals.\"Vehicle.IsMoving\"]\nabsent = false",
        "[signals.\"Vehicle.Speed\"]\nvalues = { \" fast \" = 9, \"\" = 0, \"1\" = 1, \"1.0\" = 2 }",
    ] {
        assert_eq!(of_text(file).problems(), [], "{file}");
    }
    let absent = |signal: &Signal| format!("[signals.{:?}]\nabsent = true\n", signal.path());
    let all: String = Signal::ALL.iter().map(absent).collect();
    assert_eq!(of_text(&all).problems(), []);
    assert_eq!(of_text(&all).topics(), [""; 0]);
}

#[test]
fn each_file_that_was_refused_is_refused() {
    for table in [
        "absent = true\ntopic = \"t\"",
        "absent = true\nunit = \"km/h\"",
        "absent = true\nscale = \"2\"",
        "absent = true\nvalues = 3",
        "absent = 1",
        "topic = \"cars/+/speed\"",
        "topic = \"\"",
        "topic = \"t\"\nalias = \"t\"",
        "scale = 0",
        "values = { x = true }",
        "value = \"/v\"",
    ] {
        let mapping = of_text(&format!("[signals.\"Vehicle.Speed\"]\n{table}\n"));
        assert_eq!(mapping.problems().len(), 1, "{table}");
    }
    assert_eq!(of_text("vehicle = \"7\"").problems().len(), 1);
}
