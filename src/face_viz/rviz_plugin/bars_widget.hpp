// 52 weights as bars.
#pragma once

#include <QWidget>

#include "core/frame.hpp"

namespace imusic_rviz
{

class BarsWidget : public QWidget
{
  Q_OBJECT

public:
  explicit BarsWidget(QWidget * parent = nullptr);

  void show_frame(const FaceFrame & frame);
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

protected:
  void paintEvent(QPaintEvent * event) override;

private:
  FaceFrame frame_;
};

}  // namespace imusic_rviz
