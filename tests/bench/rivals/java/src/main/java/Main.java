import com.google.gson.stream.JsonWriter;
import com.influxdb.client.InfluxDBClient;
import com.influxdb.client.InfluxDBClientFactory;
import com.influxdb.client.InfluxDBClientOptions;
import com.influxdb.query.FluxRecord;
import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.OkHttpClient;

/** The official Java client's own loop: each row of the answer as one JSON object a line, by Gson's streaming writer. */
public final class Main {
    private static final String FLUX = "from(bucket:\"plant\") |> range(start: -1h)";

    private static void value(JsonWriter json, Object value) throws IOException {
        if (value == null) {
            json.nullValue();
        } else if (value instanceof Number) {
            json.value((Number) value);
        } else if (value instanceof Boolean) {
            json.value((Boolean) value);
        } else {
            json.value(value.toString()); // strings; an Instant gives RFC 3339
        }
    }

    private static void row(Writer out, FluxRecord record) throws IOException {
        JsonWriter json = new JsonWriter(out);
        json.setHtmlSafe(false);
        json.beginObject();
        for (Map.Entry<String, Object> field : record.getValues().entrySet()) {
            json.name(field.getKey());
            value(json, field.getValue());
        }
        json.endObject();
        out.write('\n');
    }

    public static void main(String[] arguments) throws Exception {
        Writer out = new BufferedWriter(new OutputStreamWriter(new FileOutputStream(FileDescriptor.out), StandardCharsets.UTF_8), 1 << 18);
        Duration patience = Duration.ofHours(1);
        InfluxDBClientOptions options = InfluxDBClientOptions.builder().url(arguments[0]).authenticateToken("sample-token".toCharArray())
            .org("test-org").okHttpClient(new OkHttpClient.Builder().readTimeout(patience).callTimeout(patience)).build();
        CountDownLatch done = new CountDownLatch(1);
        AtomicReference<Throwable> failed = new AtomicReference<>();
        try (InfluxDBClient client = InfluxDBClientFactory.create(options)) {
            client.getQueryApi().query(FLUX, (cancellable, record) -> {
                try {
                    row(out, record);
                } catch (IOException e) {
                    failed.set(e);
                    cancellable.cancel();
                }
            }, error -> {
                failed.set(error);
                done.countDown();
            }, done::countDown);
            done.await();
        }
        out.flush();
        if (failed.get() != null) {
            failed.get().printStackTrace();
            System.exit(1);
        }
    }
}
