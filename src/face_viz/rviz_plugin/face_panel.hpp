// RViz panel: 52 bars, state, latency, and buttons that ask the wearer's nodes.
#pragma once

#include <rclcpp/rclcpp.hpp>
#include <rclcpp_action/rclcpp_action.hpp>
#include <rviz_common/panel.hpp>
#include <std_srvs/srv/trigger.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/frame.hpp"
#include "imusic/action/align_sensors.hpp"
#include "imusic/action/calibrate_wearer.hpp"
#include "imusic/msg/face_blendshapes.hpp"
#include "imusic/msg/recording_status.hpp"
#include "imusic/msg/sensor_layout.hpp"
#include "imusic/srv/calibrate_neutral.hpp"
#include "imusic/srv/identify.hpp"
#include "imusic/srv/start_recording.hpp"

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QTimer;

namespace imusic_rviz
{

class BarsWidget;

class FacePanel : public rviz_common::Panel
{
  Q_OBJECT

public:
  explicit FacePanel(QWidget * parent = nullptr);
  ~FacePanel() override;

  void onInitialize() override;
  void load(const rviz_common::Config & config) override;
  void save(rviz_common::Config config) const override;

private:
  using Blendshapes = imusic::msg::FaceBlendshapes;
  using Layout = imusic::msg::SensorLayout;
  using Recording = imusic::msg::RecordingStatus;
  using Neutral = imusic::srv::CalibrateNeutral;
  using Identify = imusic::srv::Identify;
  using Start = imusic::srv::StartRecording;
  using Stop = std_srvs::srv::Trigger;
  using Routine = imusic::action::CalibrateWearer;
  using Align = imusic::action::AlignSensors;

  // An action that guides the wearer by prompts, behind a button that begins and stops it.
  template<class Action>
  struct Guided
  {
    const char * path;
    const char * title;    // on the button
    QPushButton * button = nullptr;
    typename rclcpp_action::Client<Action>::SharedPtr client{};
    typename rclcpp_action::ClientGoalHandle<Action>::SharedPtr goal{};
    bool asked = false;
    double until_s = 0.0;  // monotonic
  };

  // A request that has not been answered yet.
  struct Asked
  {
    std::size_t number;
    std::string what;
    double until_s;                // monotonic
    std::function<void()> forget;  // takes it out of its client
    QPushButton * button;
  };

  void connect_to(const QString & space);
  void disconnect_all();
  void tick();
  void show_recording();
  void say(const QString & text, bool good);
  void neutral();
  void identify();
  void record();
  template<class Action>
  void guide(Guided<Action> FacePanel::* which, const typename Action::Goal & goal);
  template<class Action>
  void ended(Guided<Action> & guided, const QString & text, bool good);
  template<class Action>
  void withdraw(Guided<Action> & guided);
  template<class Action>
  void look_after(Guided<Action> & guided);
  std::string name(const char * relative) const;

  template<class Service>
  void ask(
    const typename rclcpp::Client<Service>::SharedPtr & client, const char * what, double seconds, QPushButton * button,
    typename Service::Request::SharedPtr request,
    std::function<void(const typename Service::Response &)> answered);
  // Calls in the thread of the window, unless the panel is gone by then or has other topics.
  void later(std::size_t epoch, std::function<void()> call);
  bool is_pending(std::size_t number);

  QLineEdit * space_;
  QLabel * state_;
  QLabel * numbers_;
  BarsWidget * bars_;
  QPushButton * neutral_button_;
  QLineEdit * wearer_;
  QComboBox * sensors_;
  QPushButton * identify_button_;
  QPushButton * record_button_;
  QLineEdit * take_;
  QLabel * recording_label_;
  QLabel * message_;
  QTimer * timer_;

  rclcpp::Node::SharedPtr node_;
  rclcpp::Subscription<Blendshapes>::SharedPtr faces_;
  rclcpp::Subscription<Layout>::SharedPtr layouts_;
  rclcpp::Subscription<Recording>::SharedPtr recordings_;
  rclcpp::Client<Neutral>::SharedPtr neutral_client_;
  rclcpp::Client<Identify>::SharedPtr identify_client_;
  rclcpp::Client<Start>::SharedPtr start_client_;
  rclcpp::Client<Stop>::SharedPtr stop_client_;
  Guided<Routine> routine_{"face_inference/calibrate_wearer", "Routine"};
  Guided<Align> align_{"face_inference/align_sensors", "Align"};

  std::mutex mutex_;  // of the four that follow
  Blendshapes::ConstSharedPtr newest_;
  Layout::ConstSharedPtr new_layout_;
  Recording::ConstSharedPtr new_recording_;
  std::size_t received_ = 0;

  std::vector<Asked> pending_;
  std::size_t asked_ = 0;
  std::size_t epoch_ = 0;
  QString space_now_;
  FaceFrame frame_;
  std::string model_;
  Recording::ConstSharedPtr recording_;
  double arrived_s_ = -1.0;
  double counted_s_ = 0.0;
  std::size_t counted_ = 0;
  double rate_hz_ = 0.0;
  double samples_hz_ = 0.0;
  std::uint32_t sequence_ = 0;
  std::uint32_t counted_sequence_ = 0;
};

}  // namespace imusic_rviz
