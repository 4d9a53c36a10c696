#ifndef FREERTOS_H
#define FREERTOS_H
#include <stdint.h>
typedef uint32_t TickType_t;
typedef int BaseType_t;
typedef unsigned int UBaseType_t;
#define pdTRUE               1
#define portMAX_DELAY        ((TickType_t)0xFFFFFFFFUL)
#define pdMS_TO_TICKS(ms)    ((TickType_t)(ms))
#define configMAX_PRIORITIES 25
#define portNUM_PROCESSORS   2
#endif
