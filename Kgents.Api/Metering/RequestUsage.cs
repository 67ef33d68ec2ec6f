using System.Globalization;
using System.Text.Json;
using Kgents.Contracts;
using Kgents.ServiceDefaults.Usage;

namespace Kgents.Api.Metering;

/// <summary>An event that is to be recorded: its bytes are made once, and every try has the same.</summary>
internal sealed record RequestUsage(string Subject, string Id, byte[] Json)
{
    /// <summary>Requests belong to no session, so to no partition of one.</summary>
    private const int Partition = 0;

    /// <param name="requestId">Of the event, and never given again.</param>
    public static RequestUsage Create(CountedAs counted, RequestCount count, string requestId)
    {
        var id = UsageIds.New(counted.Tenant, requestId, "0", UsageEvent.RequestType);
        var data = new RequestUsageData
        {
            RequestId = requestId,
            KeyId = counted.Key,
            Operation = counted.Operation,
            Requests = count.Requests.ToString(CultureInfo.InvariantCulture),
        };
        var usage = new UsageEvent<RequestUsageData>(id, UsageEvent.RequestType, counted.Tenant, UsageIds.Text(count.Last), data) { Source = UsageEvent.ApiSource };
        return new RequestUsage(Subjects.RequestUsage(counted.Tenant, Partition), id, JsonSerializer.SerializeToUtf8Bytes(usage, WireJson.Default.RequestUsageEvent));
    }
}
