use dashpoint_ui::*;
use slint::ComponentHandle;
fn main() {
    let canvas = headless::Canvas::install().unwrap();
    let window = DashpointWindow::new().unwrap();
    window.show().unwrap();
    for (w, night) in [(1920, false), (1920, true), (1280, false), (1280, true)] {
        canvas.resize(w, 720);
        window.global::<Theme>().set_night(night);
        for page in [Page::Home, Page::Activity, Page::Benefits, Page::Trip, Page::Enrolment, Page::Settings] {
 window.global::<FrameAdapter>().set_page(page);
        let frame = canvas.draw();
        let file = std::fs::File::create(format!("/tmp/g/{w}-{night}-{page:?}.png")).unwrap();
        let mut e = png::Encoder::new(file, frame.width(), frame.height());
        e.set_color(png::ColorType::Rgb);
        e.write_header().unwrap().write_image_data(frame.as_bytes()).unwrap();
    }}
}
