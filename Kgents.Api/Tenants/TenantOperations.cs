using Kgents.Api.OpenApi;
using Kgents.Api.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Kgents.Api.Tenants;

internal static class TenantOperations
{
    public static Operation Create { get; } = new("createTenant", "Create a tenant")
    {
        Example = new CreateTenantRequest("example", "Example Ltd", "example-ltd", "active", "free", new() { ["account"] = "4711" }),
        Answers = [new(201, "The tenant.", typeof(TenantResponse)) { Headers = ["Location"] }],
        Problems = [Problem.TenantExists, Problem.SlugTaken, Invalid],
    };

    public static Operation List { get; } = new("listTenants", "List tenants, by their ids")
    {
        Answers = [new(200, "A page.", typeof(TenantPage))],
        Problems = [Problem.Invalid(400, "limit", "must be a number from 1")],
    };

    public static Operation Get { get; } = new("getTenant", "Read a tenant") { Answers = [new(200, "The tenant.", typeof(TenantResponse))] };

    public static Operation Change { get; } = new("changeTenant", "Change a tenant; what is left out stays")
    {
        Example = new ChangeTenantRequest("Example GmbH", "example-gmbh", "past_due", "pro", Settings: null),
        Answers = [new(200, "The tenant, changed.", typeof(TenantResponse))],
        Problems = [Problem.SlugTaken, Invalid],
    };

    private static ProblemHttpResult Invalid => Problem.Invalid(422, "status", $"must be one of {string.Join(", ", TenantStatusText.All)}");
}
