//! The sink against librdkafka's in-process brokers.
