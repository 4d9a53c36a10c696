#include "bars_widget.hpp"

#include <QPaintEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace imusic_rviz
{
namespace
{

constexpr int COLUMNS = 2;
constexpr int ROWS = static_cast<int>(SHAPES + COLUMNS - 1) / COLUMNS;
constexpr int ROW = 15;
constexpr int NAME = 136;
constexpr int NUMBER = 32;

}  // namespace

BarsWidget::BarsWidget(QWidget * parent)
: QWidget(parent)
{
  setToolTip(
    "Bars are as solid as the model is sure (confidence). Hatched: hidden, the sensors cannot see this shape; its weight "
    "follows from the rest of the face, or from nothing.");
}

void BarsWidget::show_frame(const FaceFrame & frame)
{
  frame_ = frame;
  update();
}

QSize BarsWidget::sizeHint() const {return {COLUMNS * (NAME + NUMBER + 90), ROWS * ROW};}
QSize BarsWidget::minimumSizeHint() const {return {COLUMNS * (NAME + NUMBER + 30), ROWS * ROW};}

void BarsWidget::paintEvent(QPaintEvent *)
{
  QPainter painter(this);
  QFont font = painter.font();
  font.setPixelSize(11);
  const QColor ink = palette().color(QPalette::WindowText);
  const bool live = frame_.state == State::TRACKING || frame_.state == State::DEGRADED;
  const int width = this->width() / COLUMNS;
  for (int i = 0; i < static_cast<int>(SHAPES); ++i) {
    const int left = i / ROWS * width, top = i % ROWS * ROW;
    const auto index = static_cast<std::size_t>(i);
    const bool hidden = frame_.state != State::NO_INPUT && !frame_.observable[index];
    const float weight = std::isfinite(frame_.weights[index]) ? frame_.weights[index] : 0.0F;
    QColor text = ink;
    text.setAlpha(hidden ? 130 : 255);
    font.setItalic(hidden);
    painter.setFont(font);
    painter.setPen(text);
    const auto name = QString::fromLatin1(SHAPE_NAMES[index].data(), static_cast<int>(SHAPE_NAMES[index].size()));
    painter.drawText(QRect(left + 2, top, NAME - 4, ROW), Qt::AlignVCenter | Qt::AlignLeft, name);
    const QRectF track(left + NAME, top + 3, std::max(width - NAME - NUMBER, 10), ROW - 6);
    painter.fillRect(track, QColor(ink.red(), ink.green(), ink.blue(), 28));
    QRectF bar = track;
    bar.setWidth(track.width() * std::clamp(static_cast<double>(weight), 0.0, 1.0));
    const float confidence = std::isfinite(frame_.confidence[index]) ? std::clamp(frame_.confidence[index], 0.0F, 1.0F) : 0.0F;
    QColor color = !live ? QColor(150, 150, 150) : hidden ? QColor(140, 120, 160) : QColor(0, 140, 130);
    color.setAlphaF(0.25 + 0.75 * static_cast<double>(confidence));
    painter.fillRect(bar, color);
    if (hidden) {painter.fillRect(track, QBrush(QColor(ink.red(), ink.green(), ink.blue(), 90), Qt::BDiagPattern));}
    painter.drawText(
      QRect(left + width - NUMBER, top, NUMBER - 4, ROW), Qt::AlignVCenter | Qt::AlignRight,
      frame_.state == State::NO_INPUT ? QString("-") : QString::number(weight, 'f', 2));
  }
}

}  // namespace imusic_rviz
