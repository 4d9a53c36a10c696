#include "face_panel.hpp"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPointer>
#include <QPushButton>
#include <QScrollArea>
#include <QTimer>
#include <QVBoxLayout>

#include <pluginlib/class_list_macros.hpp>
#include <rviz_common/config.hpp>
#include <rviz_common/display_context.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "bars_widget.hpp"

namespace imusic_rviz
{
namespace
{

constexpr int PERIOD_MS = 50;
constexpr double COUNT_PERIOD_S = 1.0;
constexpr double MOST_SAMPLES_HZ = 2000.0;
// Seconds after which a node that does not answer is given up: a little longer than it takes at most by its own promise.
constexpr double NEUTRAL_S = 45.0;   // 30 s of calibration at most
constexpr double IDENTIFY_S = 5.0;   // the driver answers within 3 s
constexpr double START_S = 10.0;
constexpr double STOP_S = 60.0;      // the file is closed meanwhile
constexpr double GOAL_S = 10.0;
constexpr double SILENT_ROUTINE_S = 30.0;  // the routine's longest phase is shorter
constexpr std::size_t MOST_SENSORS = 256;
constexpr std::size_t LONGEST_TEXT = 400;

double now_s()
{
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

QString shown(const std::string & text) {return QString::fromStdString(text.substr(0, LONGEST_TEXT));}

const char * color_of(State state)
{
  switch (state) {
    case State::TRACKING: return "#0a8f5a";
    case State::CALIBRATING: return "#2f6fd0";
    case State::DEGRADED: return "#c77700";
    default: return "#c0392b";
  }
}

QString size_of(double bytes)
{
  return bytes < 1e9 ? QString("%1 MB").arg(bytes / 1e6, 0, 'f', 1) : QString("%1 GB").arg(bytes / 1e9, 0, 'f', 2);
}

}  // namespace

template<class Action>
void FacePanel::guide(Guided<Action> FacePanel::* which, const typename Action::Goal & goal)
{
  using Handle = rclcpp_action::ClientGoalHandle<Action>;
  Guided<Action> & guided = this->*which;
  const QString title(guided.title);
  if (!guided.client) {return;}
  if (guided.goal) {
    guided.client->async_cancel_goal(guided.goal);
    guided.button->setEnabled(false);
    guided.until_s = now_s() + GOAL_S;
    say(title + ": stopping ...", true);
    return;
  }
  if (!guided.client->action_server_is_ready()) {
    say(
      QString("%1: nobody offers %2; is face_inference running, and the namespace right?").arg(
        title, shown(name(guided.path))), false);
    return;
  }
  const QPointer<FacePanel> panel(this);
  const std::size_t epoch = epoch_;
  typename rclcpp_action::Client<Action>::SendGoalOptions options;
  options.goal_response_callback = [panel, epoch, which](typename Handle::SharedPtr handle) {
      if (panel.isNull()) {return;}
      panel->later(epoch, [panel, which, handle] {
        Guided<Action> & waiting = panel.data()->*which;
        if (!waiting.asked) {return;}
        if (!handle) {
          panel->ended(waiting, QString("%1 was refused by face_inference").arg(waiting.title), false);
          return;
        }
        waiting.goal = handle;
        waiting.button->setText(QString("Stop: %1").arg(waiting.title));
        waiting.button->setEnabled(true);
        waiting.until_s = now_s() + SILENT_ROUTINE_S;
      });
    };
  options.feedback_callback =
    [panel, epoch, which](typename Handle::SharedPtr, const std::shared_ptr<const typename Action::Feedback> feedback) {
      if (panel.isNull()) {return;}
      panel->later(epoch, [panel, which, feedback] {
        Guided<Action> & running = panel.data()->*which;
        if (!running.goal) {return;}
        running.until_s = now_s() + SILENT_ROUTINE_S;
        const auto & prompt = feedback->prompt;
        panel->say(
          QString("%1 (%2 of %3, %4 s left)").arg(shown(prompt.text)).arg(prompt.number).arg(prompt.count).arg(
            static_cast<double>(prompt.routine_left), 0, 'f', 0), true);
      });
    };
  options.result_callback = [panel, epoch, which](const typename Handle::WrappedResult & result) {
      if (panel.isNull()) {return;}
      panel->later(epoch, [panel, which, result] {
        Guided<Action> & over = panel.data()->*which;
        if (!over.asked) {return;}
        const bool good = result.code == rclcpp_action::ResultCode::SUCCEEDED && result.result->success;
        const bool cancelled = result.code == rclcpp_action::ResultCode::CANCELED;
        const QString said = result.result ? shown(result.result->message) : QString();
        const char * how = good ? "done" : cancelled ? "stopped" : "failed";
        panel->ended(over, !said.isEmpty() ? said : QString("%1: %2").arg(over.title, how), good);
      });
    };
  guided.asked = true;
  guided.until_s = now_s() + GOAL_S;
  guided.button->setEnabled(false);
  say(title + " ...", true);
  guided.client->async_send_goal(goal, options);
}

template<class Action>
void FacePanel::ended(Guided<Action> & guided, const QString & text, bool good)
{
  guided.goal.reset();
  guided.asked = false;
  guided.button->setText(guided.title);
  guided.button->setEnabled(true);
  say(text, good);
}

template<class Action>
void FacePanel::withdraw(Guided<Action> & guided)
{
  guided.goal.reset();
  guided.client.reset();
  guided.asked = false;
  guided.button->setText(guided.title);
  guided.button->setEnabled(true);
}

template<class Action>
void FacePanel::look_after(Guided<Action> & guided)
{
  if (guided.asked && now_s() > guided.until_s) {
    ended(guided, QString("%1: no word from face_inference; it hangs or has ended").arg(guided.title), false);
  }
}

FacePanel::FacePanel(QWidget * parent)
: rviz_common::Panel(parent)
{
  const auto label = [this] {
      auto * made = new QLabel(this);
      made->setTextFormat(Qt::PlainText);  // what nodes say is no markup
      made->setWordWrap(true);
      made->setTextInteractionFlags(Qt::TextSelectableByMouse);
      return made;
    };
  space_ = new QLineEdit(this);
  space_->setPlaceholderText("none");
  state_ = label();
  numbers_ = label();
  bars_ = new BarsWidget(this);
  neutral_button_ = new QPushButton("Neutral", this);
  neutral_button_->setToolTip("Learn the relaxed face anew: look straight ahead and keep still");
  align_.button = new QPushButton(align_.title, this);
  align_.button->setToolTip("Keep still, nod, shake the head (10 s): how each board is glued on is learned from it");
  routine_.button = new QPushButton(routine_.title, this);
  routine_.button->setToolTip("A minute of prompts in which the model learns the wearer");
  wearer_ = new QLineEdit(this);
  wearer_->setPlaceholderText("wearer (empty: not kept)");
  sensors_ = new QComboBox(this);
  identify_button_ = new QPushButton("Identify", this);
  identify_button_->setToolTip("Blink the light of the chosen sensor");
  record_button_ = new QPushButton("Record", this);
  take_ = new QLineEdit(this);
  take_->setPlaceholderText("name of the take");
  recording_label_ = label();
  message_ = label();
  message_->setMinimumHeight(2 * message_->fontMetrics().lineSpacing());  // a longer answer moves no button
  message_->setAlignment(Qt::AlignTop);

  auto * head = new QHBoxLayout;
  head->addWidget(new QLabel("Namespace", this));
  head->addWidget(space_, 1);
  auto * buttons = new QGridLayout;
  buttons->addWidget(neutral_button_, 0, 0);
  buttons->addWidget(align_.button, 0, 1);
  buttons->addWidget(routine_.button, 1, 0);
  buttons->addWidget(wearer_, 1, 1);
  buttons->addWidget(identify_button_, 2, 0);
  buttons->addWidget(sensors_, 2, 1);
  buttons->addWidget(record_button_, 3, 0);
  buttons->addWidget(take_, 3, 1);
  buttons->setColumnStretch(1, 1);
  auto * scroll = new QScrollArea(this);
  scroll->setWidget(bars_);
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  auto * whole = new QVBoxLayout(this);
  whole->addLayout(head);
  whole->addWidget(state_);
  whole->addWidget(numbers_);
  whole->addWidget(scroll, 1);
  whole->addLayout(buttons);
  whole->addWidget(recording_label_);
  whole->addWidget(message_);

  QFont bold = state_->font();
  bold.setBold(true);
  state_->setFont(bold);
  timer_ = new QTimer(this);
  connect(timer_, &QTimer::timeout, this, [this] {tick();});
  connect(neutral_button_, &QPushButton::clicked, this, [this] {neutral();});
  connect(routine_.button, &QPushButton::clicked, this, [this] {
      Routine::Goal goal;
      goal.wearer = wearer_->text().toStdString();
      guide(&FacePanel::routine_, goal);
    });
  connect(align_.button, &QPushButton::clicked, this, [this] {guide(&FacePanel::align_, Align::Goal());});
  connect(identify_button_, &QPushButton::clicked, this, [this] {identify();});
  connect(record_button_, &QPushButton::clicked, this, [this] {record();});
  connect(space_, &QLineEdit::editingFinished, this, [this] {
      if (space_->text() != space_now_) {
        connect_to(space_->text());
        Q_EMIT configChanged();
      }
    });
}

FacePanel::~FacePanel() {disconnect_all();}

void FacePanel::onInitialize()
{
  const auto abstraction = getDisplayContext()->getRosNodeAbstraction().lock();
  if (!abstraction) {
    say("RViz has no node: start it again", false);
    return;
  }
  node_ = abstraction->get_raw_node();
  connect_to(space_->text());
  timer_->start(PERIOD_MS);
}

void FacePanel::load(const rviz_common::Config & config)
{
  rviz_common::Panel::load(config);
  QString text;
  if (config.mapGetString("Namespace", &text)) {space_->setText(text);}
  if (config.mapGetString("Wearer", &text)) {wearer_->setText(text);}
  if (node_) {connect_to(space_->text());}
}

void FacePanel::save(rviz_common::Config config) const
{
  rviz_common::Panel::save(config);
  config.mapSetValue("Namespace", space_->text());
  config.mapSetValue("Wearer", wearer_->text());
}

std::string FacePanel::name(const char * relative) const {return in_namespace(space_now_.toStdString(), relative);}

void FacePanel::connect_to(const QString & space)
{
  disconnect_all();
  space_now_ = space;
  frame_ = {};
  recording_.reset();
  sensors_->clear();
  if (!node_) {return;}
  const auto latched = rclcpp::QoS(1).reliable().transient_local();
  try {
    faces_ = node_->create_subscription<Blendshapes>(
      name("face/blendshapes"), rclcpp::SensorDataQoS(), [this](Blendshapes::ConstSharedPtr message) {
        std::lock_guard<std::mutex> lock(mutex_);
        newest_ = std::move(message);
        ++received_;
      });
    layouts_ = node_->create_subscription<Layout>(
      name("imu/layout"), latched, [this](Layout::ConstSharedPtr message) {
        std::lock_guard<std::mutex> lock(mutex_);
        new_layout_ = std::move(message);
      });
    recordings_ = node_->create_subscription<Recording>(
      name("recording/status"), latched, [this](Recording::ConstSharedPtr message) {
        std::lock_guard<std::mutex> lock(mutex_);
        new_recording_ = std::move(message);
      });
    neutral_client_ = node_->create_client<Neutral>(name("face_inference/calibrate_neutral"));
    identify_client_ = node_->create_client<Identify>(name("imu_driver/identify"));
    start_client_ = node_->create_client<Start>(name("recorder/start"));
    stop_client_ = node_->create_client<Stop>(name("recorder/stop"));
    routine_.client = rclcpp_action::create_client<Routine>(node_, name(routine_.path));
    align_.client = rclcpp_action::create_client<Align>(node_, name(align_.path));
    say("", true);
  } catch (const std::exception & error) {  // rclcpp has several for names that are none
    disconnect_all();
    say(QString("expected a namespace such as alice, found %1").arg(error.what()), false);
  }
  arrived_s_ = counted_s_ = now_s();
  counted_ = received_;
  show_recording();
}

void FacePanel::disconnect_all()
{
  ++epoch_;
  for (const Asked & asked : pending_) {asked.forget();}
  pending_.clear();
  faces_.reset();
  layouts_.reset();
  recordings_.reset();
  neutral_client_.reset();
  identify_client_.reset();
  start_client_.reset();
  stop_client_.reset();
  withdraw(routine_);
  withdraw(align_);
  for (auto * button : {neutral_button_, identify_button_, record_button_}) {button->setEnabled(true);}
  std::lock_guard<std::mutex> lock(mutex_);
  newest_.reset();
  new_layout_.reset();
  new_recording_.reset();
}

void FacePanel::later(std::size_t epoch, std::function<void()> call)
{
  QMetaObject::invokeMethod(
    this, [this, epoch, call = std::move(call)] {
      if (epoch == epoch_) {call();}
    }, Qt::QueuedConnection);
}

bool FacePanel::is_pending(std::size_t number)
{
  const auto found = std::find_if(
    pending_.begin(), pending_.end(), [number](const Asked & asked) {return asked.number == number;});
  if (found == pending_.end()) {return false;}
  found->button->setEnabled(true);
  pending_.erase(found);
  return true;
}

template<class Service>
void FacePanel::ask(
  const typename rclcpp::Client<Service>::SharedPtr & client, const char * what, double seconds, QPushButton * button,
  typename Service::Request::SharedPtr request, std::function<void(const typename Service::Response &)> answered)
{
  if (!client) {return;}
  if (!client->service_is_ready()) {
    const std::string service = client->get_service_name();
    const auto slash = service.find_last_of('/');
    const auto before = service.find_last_of('/', slash - 1);
    say(
      QString("%1: nobody offers %2; is %3 running, and the namespace right?").arg(
        what, shown(service), shown(service.substr(before + 1, slash - before - 1))), false);
    return;
  }
  const std::size_t number = ++asked_, epoch = epoch_;
  const QPointer<FacePanel> panel(this);
  // RViz ends its executor after its panels: a late answer finds the panel gone.
  const auto sent = client->async_send_request(
    request, [panel, number, epoch, answered](typename rclcpp::Client<Service>::SharedFuture future) {
      if (panel.isNull()) {return;}
      const auto response = future.get();
      panel->later(epoch, [panel, number, answered, response] {
        if (panel->is_pending(number)) {answered(*response);}
      });
    });
  const auto id = sent.request_id;
  pending_.push_back(
    {number, what, now_s() + seconds, [client, id] {client->remove_pending_request(id);}, button});
  button->setEnabled(false);
  say(QString("%1 ...").arg(what), true);
}

void FacePanel::neutral()
{
  ask<Neutral>(
    neutral_client_, "Neutral (look ahead, keep still)", NEUTRAL_S, neutral_button_,
    std::make_shared<Neutral::Request>(), [this](const Neutral::Response & response) {
      say(
        response.message.empty() ? QString(response.success ? "Neutral learned" : "Neutral refused, without a reason") :
        shown(response.message), response.success);
    });
}

void FacePanel::identify()
{
  if (sensors_->currentIndex() < 0) {
    say("Identify: no layout on " + shown(name("imu/layout")) + " yet; is imu_driver running?", false);
    return;
  }
  auto request = std::make_shared<Identify::Request>();
  request->sensor_id = static_cast<std::uint8_t>(sensors_->currentData().toInt());
  const QString sensor = sensors_->currentText();
  ask<Identify>(
    identify_client_, "Identify", IDENTIFY_S, identify_button_, request,
    [this, sensor](const Identify::Response & response) {
      say(response.message.empty() ? QString("%1 %2").arg(sensor, response.success ? "blinks" : "does not blink") :
        shown(response.message), response.success);
    });
}

void FacePanel::record()
{
  if (recording_ && recording_->state == Recording::STATE_RECORDING) {
    ask<Stop>(
      stop_client_, "Stop recording", STOP_S, record_button_, std::make_shared<Stop::Request>(),
      [this](const Stop::Response & response) {
        say(response.message.empty() ? QString(response.success ? "Recorded" : "Not stopped, without a reason") :
          shown(response.message), response.success);
      });
    return;
  }
  auto request = std::make_shared<Start::Request>();
  request->name = take_->text().toStdString();
  request->wearer = wearer_->text().toStdString();
  ask<Start>(
    start_client_, "Record", START_S, record_button_, request, [this](const Start::Response & response) {
      say(
        response.success ? "Recording to " + shown(response.path) :
        response.message.empty() ? QString("Recording refused, without a reason") : shown(response.message),
        response.success);
    });
}

void FacePanel::tick()
{
  Blendshapes::ConstSharedPtr face;
  Layout::ConstSharedPtr layout;
  Recording::ConstSharedPtr recording;
  std::size_t received = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    face.swap(newest_);
    layout.swap(new_layout_);
    recording.swap(new_recording_);
    received = received_;
  }
  const double now = now_s();
  const bool count = now - counted_s_ > COUNT_PERIOD_S;
  if (count) {
    rate_hz_ = static_cast<double>(received - counted_) / (now - counted_s_);
    counted_ = received;
    // Numbers begin anew with the hub: a difference that no hub makes says nothing.
    const auto numbers = static_cast<std::uint32_t>(sequence_ - counted_sequence_);
    samples_hz_ = numbers < MOST_SAMPLES_HZ * (now - counted_s_) ? numbers / (now - counted_s_) : 0.0;
    counted_sequence_ = sequence_;
    counted_s_ = now;
  }
  std::string problem;
  if (face) {
    arrived_s_ = now;
    sequence_ = face->sequence;
    FaceFrame frame;
    std::copy(face->weights.begin(), face->weights.end(), frame.weights.begin());
    std::copy(face->confidence.begin(), face->confidence.end(), frame.confidence.begin());
    std::copy(face->observable.begin(), face->observable.end(), frame.observable.begin());
    frame.state = state_of(face->state);
    frame.age_s = face->age;
    model_ = face->model;
    problem = problem_of(frame);
    if (problem.empty()) {frame_ = frame;}
  }
  const bool silent = now - arrived_s_ > STILL_S;
  if (silent) {frame_.state = State::NO_INPUT;}
  if (face || silent) {
    bars_->show_frame(frame_);
    state_->setText(
      !problem.empty() ? "refused: " + shown(problem) :
      silent ? QString("no input on %1").arg(shown(name("face/blendshapes"))) : QString(state_text(frame_.state)));
    state_->setStyleSheet(QString("color: %1").arg(problem.empty() ? color_of(frame_.state) : "#c0392b"));
    if (count || silent) {
      numbers_->setText(
        silent ? QString("for %1 s; is face_inference active?").arg(now - arrived_s_, 0, 'f', 0) :
        QString("latency %1 ms, %2 faces a second%3, %4").arg(
          static_cast<double>(frame_.age_s) * 1e3, 0, 'f', 1).arg(rate_hz_, 0, 'f', 0).arg(
          rate_hz_ < 0.9 * samples_hz_ ? QString(" here, of %1 samples").arg(samples_hz_, 0, 'f', 0) : QString(),
          shown(model_.substr(0, 60))));
    }
  }
  if (layout) {
    sensors_->clear();
    for (std::size_t i = 0; i < std::min(layout->sensors.size(), MOST_SENSORS); ++i) {
      const auto & mount = layout->sensors[i];
      sensors_->addItem(
        QString("%1 %2%3").arg(mount.id).arg(shown(mount.name.substr(0, 40)), mount.present ? "" : " (missing)"),
        mount.id);
    }
  }
  if (recording) {
    recording_ = recording;
    show_recording();
  }
  for (std::size_t i = 0; i < pending_.size(); ) {
    if (now < pending_[i].until_s) {
      ++i;
      continue;
    }
    const Asked asked = pending_[i];
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    asked.forget();
    asked.button->setEnabled(true);
    say(QString("%1: no answer; the node hangs or has ended. `imusic doctor` and /diagnostics say more").arg(
        shown(asked.what)), false);
  }
  look_after(routine_);
  look_after(align_);
}

void FacePanel::show_recording()
{
  const bool running = recording_ && recording_->state == Recording::STATE_RECORDING;
  record_button_->setText(running ? "Stop recording" : "Record");
  if (!recording_) {
    recording_label_->clear();
    return;
  }
  QString text;
  if (running) {
    text = QString("recording: %1 s, %2, %3 messages").arg(
      static_cast<double>(recording_->duration), 0, 'f', 0).arg(
      size_of(static_cast<double>(recording_->bytes))).arg(recording_->messages);
    if (recording_->lost > 0) {text += QString(", %1 LOST").arg(recording_->lost);}
    if (std::isfinite(recording_->disk_time_left)) {
      text += QString(", room for %1 min").arg(static_cast<double>(recording_->disk_time_left) / 60.0, 0, 'f', 0);
    }
  } else if (recording_->state == Recording::STATE_FAILED) {
    text = "recording ended early";
  }
  if (!recording_->message.empty()) {text += (text.isEmpty() ? "" : ": ") + shown(recording_->message);}
  recording_label_->setText(text);
}

void FacePanel::say(const QString & text, bool good)
{
  message_->setText(text);
  message_->setStyleSheet(good ? "" : "color: #c0392b");
}

}  // namespace imusic_rviz

PLUGINLIB_EXPORT_CLASS(imusic_rviz::FacePanel, rviz_common::Panel)
