#include "freertos/FreeRTOS.h"
typedef void (*TaskFunction_t)(void *argument);
typedef struct task *TaskHandle_t;
BaseType_t xTaskCreate(TaskFunction_t code, const char *name, uint32_t stack, void *argument, UBaseType_t priority,
                       TaskHandle_t *handle);
BaseType_t xTaskCreatePinnedToCore(TaskFunction_t code, const char *name, uint32_t stack, void *argument,
                                   UBaseType_t priority, TaskHandle_t *handle, BaseType_t core);
void vTaskDelay(TickType_t ticks);
