using System.Globalization;

namespace Kgents.Testing;

/// <summary>Reads the requests of OTLP over HTTP, by the field numbers of opentelemetry-proto 1.</summary>
internal static class OtlpReader
{
    public static IEnumerable<OtlpSpan> Spans(ReadOnlySpan<byte> request)
    {
        var spans = new List<OtlpSpan>();
        var resources = new ProtobufReader(request);
        while (resources.Read())
        {
            var service = ServiceOf(resources.Bytes);
            foreach (var (source, span) in Scoped(resources.Bytes))
            {
                spans.Add(Span(service, source, span));
            }
        }

        return spans;
    }

    /// <summary>Names of the metrics that have a value, each with the scope that it is of.</summary>
    public static IEnumerable<(string Service, string Scope, string Name)> Metrics(ReadOnlySpan<byte> request)
    {
        var metrics = new List<(string, string, string)>();
        var resources = new ProtobufReader(request);
        while (resources.Read())
        {
            var service = ServiceOf(resources.Bytes);
            metrics.AddRange(Scoped(resources.Bytes).Select(each => (service, each.Scope, FirstText(each.Item, 1))));
        }

        return metrics;
    }

    /// <summary>Bodies and attribute values of log records.</summary>
    public static IEnumerable<string> Logs(ReadOnlySpan<byte> request)
    {
        var texts = new List<string>();
        var resources = new ProtobufReader(request);
        while (resources.Read())
        {
            foreach (var (_, item) in Scoped(resources.Bytes))
            {
                var record = new ProtobufReader(item);
                while (record.Read())
                {
                    if (record.Field == 5)
                    {
                        texts.Add(Value(record.Bytes));
                    }
                    else if (record.Field == 6)
                    {
                        texts.Add(Pair(record.Bytes).ToString());
                    }
                }
            }
        }

        return texts;
    }

    private static List<(string Scope, byte[] Item)> Scoped(ReadOnlySpan<byte> resource)
    {
        var items = new List<(string, byte[])>();
        var fields = new ProtobufReader(resource);
        while (fields.Read())
        {
            if (fields.Field != 2)
            {
                continue;
            }

            var scope = "";
            var inner = new ProtobufReader(fields.Bytes);
            while (inner.Read())
            {
                if (inner.Field == 1)
                {
                    scope = FirstText(inner.Bytes, 1);
                }
                else if (inner.Field == 2)
                {
                    items.Add((scope, inner.Bytes.ToArray()));
                }
            }
        }

        return items;
    }

    private static OtlpSpan Span(string service, string source, ReadOnlySpan<byte> bytes)
    {
        string trace = "", id = "", parent = "", name = "";
        int kind = 0, status = 0;
        var tags = new Dictionary<string, string>();
        var links = new List<string>();
        var fields = new ProtobufReader(bytes);
        while (fields.Read())
        {
            switch (fields.Field)
            {
                case 1:
                    trace = Convert.ToHexStringLower(fields.Bytes);
                    break;
                case 2:
                    id = Convert.ToHexStringLower(fields.Bytes);
                    break;
                case 4:
                    parent = Convert.ToHexStringLower(fields.Bytes);
                    break;
                case 5:
                    name = fields.Text;
                    break;
                case 6:
                    kind = (int)fields.Number;
                    break;
                case 9:
                    var (key, value) = Pair(fields.Bytes);
                    tags[key] = value;
                    break;
                case 13:
                    var link = new ProtobufReader(fields.Bytes);
                    while (link.Read())
                    {
                        if (link.Field == 1)
                        {
                            links.Add(Convert.ToHexStringLower(link.Bytes));
                        }
                    }

                    break;
                case 15:
                    var state = new ProtobufReader(fields.Bytes);
                    while (state.Read())
                    {
                        status = state.Field == 3 ? (int)state.Number : status;
                    }

                    break;
            }
        }

        return new OtlpSpan(service, source, trace, id, parent, name, kind, status, tags, links);
    }

    private static string ServiceOf(ReadOnlySpan<byte> resource)
    {
        var fields = new ProtobufReader(resource);
        while (fields.Read())
        {
            var attributes = new ProtobufReader(fields.Field == 1 ? fields.Bytes : []);
            while (attributes.Read())
            {
                if (attributes.Field == 1 && Pair(attributes.Bytes) is ("service.name", var service))
                {
                    return service;
                }
            }
        }

        return "";
    }

    private static (string Key, string Value) Pair(ReadOnlySpan<byte> bytes)
    {
        string key = "", value = "";
        var fields = new ProtobufReader(bytes);
        while (fields.Read())
        {
            if (fields.Field == 1)
            {
                key = fields.Text;
            }
            else
            {
                value = Value(fields.Bytes);
            }
        }

        return (key, value);
    }

    private static string Value(ReadOnlySpan<byte> bytes)
    {
        var value = new ProtobufReader(bytes);
        return !value.Read() ? ""
            : value.Field is 1 or 7 ? value.Text
            : value.Field == 4 ? BitConverter.UInt64BitsToDouble(value.Number).ToString(CultureInfo.InvariantCulture)
            : value.Field is 2 or 3 ? value.Number.ToString(CultureInfo.InvariantCulture)
            : Convert.ToHexStringLower(value.Bytes);
    }

    private static string FirstText(ReadOnlySpan<byte> bytes, int field)
    {
        var fields = new ProtobufReader(bytes);
        while (fields.Read())
        {
            if (fields.Field == field)
            {
                return fields.Text;
            }
        }

        return "";
    }
}
