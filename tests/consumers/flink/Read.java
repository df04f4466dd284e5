import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.CloseableIterator;

/**
 * Reads tables through Flink's {@code debezium-json} format and keeps what their changelogs leave. A row that is taken
 * back must have been given before, in exactly these values: Flink's own joins and aggregates rely on that.
 */
public class Read {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Columns that hold JSON in a string. */
    private static final String NESTED = "preferences";

    public static void main(String[] arguments) throws Exception {
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        tables.getConfig().set("parallelism.default", "1");
        tables.getConfig().set("table.local-time-zone", "UTC");
        long changes = 0;
        try (PrintWriter output = new PrintWriter(System.getenv("OUTPUT"))) {
            for (String statement : Files.readString(Path.of("tables.sql")).split(";\\s*")) {
                String table = statement.split("\\s+")[2];
                tables.executeSql(statement + connector(table));
                Map<String, Integer> rows = new LinkedHashMap<>();
                try (CloseableIterator<Row> changelog = tables.executeSql("SELECT * FROM " + table).collect()) {
                    for (; changelog.hasNext(); changes++) {
                        apply(table, changelog.next(), rows);
                    }
                }
                rows.forEach((row, count) -> {
                    for (int i = 0; i < count; i++) {
                        output.println("{\"table\":\"" + table + "\",\"row\":" + row + "}");
                    }
                });
            }
        }
        System.out.printf("{\"version\": \"%s\", \"read\": \"%d changes\"}%n", EnvironmentInformation.getVersion(), changes);
    }

    private static String connector(String table) {
        return " WITH ('connector' = 'kafka', 'format' = 'debezium-json', 'scan.startup.mode' = 'earliest-offset',"
                + " 'scan.bounded.mode' = 'latest-offset', 'debezium-json.timestamp-format.standard' = 'ISO-8601',"
                + " 'properties.bootstrap.servers' = '" + System.getenv("BOOTSTRAP_SERVERS") + "',"
                + " 'topic' = '" + System.getenv("TOPIC_PREFIX") + ".public." + table + "')";
    }

    private static void apply(String table, Row change, Map<String, Integer> rows) throws Exception {
        boolean given = change.getKind() == RowKind.INSERT || change.getKind() == RowKind.UPDATE_AFTER;
        String row = json(change);
        int count = rows.merge(row, given ? 1 : -1, Integer::sum);
        if (count < 0) {
            throw new IllegalStateException(table + ": a row is taken back that was never given: " + row);
        }
        if (count == 0) {
            rows.remove(row);
        }
    }

    private static String json(Row row) throws Exception {
        ObjectNode object = JSON.createObjectNode();
        for (String name : row.getFieldNames(true)) {
            Object value = row.getField(name);
            object.set(name, name.equals(NESTED) && value != null ? JSON.readTree((String) value) : node(value));
        }
        return object.toString();
    }

    private static JsonNode node(Object value) {
        if (value instanceof byte[] bytes) {
            return JSON.valueToTree("\\x" + HexFormat.of().formatHex(bytes));
        }
        if (value instanceof Instant instant) {
            return JSON.valueToTree(instant.toString());
        }
        if (value instanceof Object[] elements) {
            ArrayNode array = JSON.createArrayNode();
            for (Object element : elements) {
                array.add(node(element));
            }
            return array;
        }
        return JSON.valueToTree(value);
    }
}
